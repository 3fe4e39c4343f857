import { UsageError } from './command.js';
import type { Terminal } from './terminal.js';

/** Asks twice, because nobody sees what they type. */
export async function askNewPassword(terminal: Terminal): Promise<string> {
  const password = await terminal.askHidden('Password: ');
  if (password === '') throw new UsageError('The password is empty.');
  if ((await terminal.askHidden('Confirm password: ')) !== password) throw new UsageError('The passwords differ.');
  return password;
}

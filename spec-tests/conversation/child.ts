import type { Account } from './device.js';

interface Order {
  readonly alice: Account;
  readonly bob: Account;
  readonly carol: Account;
}

/** Runs `play` with the accounts of argv, prints each step as a line, and ends the process: 0 when all of it was done. */
export async function report(play: (order: Order & { done: (step: string) => void }) => Promise<void>): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? '{}') as Order;
  const started = performance.now();
  const done = (step: string): void => { process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1)} s: ${step}\n`); };
  try {
    await play({ ...order, done });
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  }
}

/** matrix-js-sdk and its crypto log every step to the console; only what goes wrong is of interest here. */
export function quiet(): void {
  if (process.env['CONVERSATION_LOG'] === undefined) silence();
}

/** Depends on nothing around it: it is sent into pages as text too. */
export function silence(): void {
  for (const level of ['log', 'debug', 'info', 'trace', 'warn'] as const) console[level] = () => undefined;
}

import type { Terminal } from './terminal.js';

/** A terminal where `answers` are typed in order, or a script when there are none; what is printed can be read back. */
export function typing(answers?: readonly string[], input = ''): Terminal & { readonly printed: string[]; readonly complained: string[] } {
  const left = [...(answers ?? [])];
  const printed: string[] = [];
  const complained: string[] = [];
  const answer = async (): Promise<string> => left.shift() ?? '';
  return {
    printed,
    complained,
    out: (line) => void printed.push(line),
    err: (line) => void complained.push(line),
    interactive: answers !== undefined,
    ask: answer,
    askHidden: answer,
    input: async () => input,
  };
}

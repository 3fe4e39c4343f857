import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** The person or the script that typed the command. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
  /** Whether somebody is there to answer questions. */
  readonly interactive: boolean;
  ask(question: string): Promise<string>;
  /** Like `ask`, without showing what is typed. */
  askHidden(question: string): Promise<string>;
  /** All of standard input. */
  input(): Promise<string>;
}

export const processTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  interactive: process.stdin.isTTY && process.stderr.isTTY,
  ask: (question) => ask(question, process.stderr),
  askHidden: async (question) => {
    process.stderr.write(question);
    const answer = await ask('', new Writable({ write: (_chunk, _encoding, done) => { done(); } }));
    process.stderr.write('\n');
    return answer;
  },
  input: () => text(process.stdin),
};

async function ask(question: string, output: NodeJS.WritableStream): Promise<string> {
  // Questions go where errors go, so that the answer of a command can be piped on.
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

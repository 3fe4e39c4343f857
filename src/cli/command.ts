import type { Terminal } from './terminal.js';

/** What the program ends with. */
export const EXIT = {
  ok: 0,
  /** It was understood, and did not succeed. */
  failure: 1,
  /** The arguments or the configuration are wrong: trying again changes nothing. */
  usage: 2,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Command {
  /** One line of the overview. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly help: string;
  run(args: readonly string[], terminal: Terminal, ready?: Ready): Promise<ExitCode>;
}

/** Told the addresses a server answers on, once it does. */
export type Ready = (urls: readonly string[]) => void;

/** The arguments are wrong; the message says how. */
export class UsageError extends Error {}

/** It did not succeed; the message is one sentence for the person at the terminal. */
export class Failure extends Error {}

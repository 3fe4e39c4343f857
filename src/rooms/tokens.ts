import { MatrixError } from '../matrix/errors.js';
import type { ReadTransaction } from '../storage/database.js';
import { seqAt } from './rooms-store.js';

/**
 * Points between events. `s41` is a position of the one stream, as sync gives it out: all that happened up to 41 lies before it.
 * `t7` is a point in one room's timeline: its event 7 lies before it, its event 8 after. Neither is bound to a person.
 */
export function streamToken(position: number): string {
  return `s${position}`;
}

export function timelineToken(seq: number): string {
  return `t${seq}`;
}

const TOKEN = /^([st])(-?[0-9]{1,15})$/;

export function parseStreamToken(raw: string): number {
  const [, kind, number] = TOKEN.exec(raw) ?? [];
  if (kind !== 's' || number === undefined || number.startsWith('-')) throw new MatrixError('M_INVALID_PARAM', 'That is not a token of this server');
  return Number(number);
}

/** The newest seq that lies before a token of either kind. */
export async function seqBefore(tx: ReadTransaction, roomNid: number, raw: string): Promise<number> {
  const [, kind, number] = TOKEN.exec(raw) ?? [];
  if (number === undefined) throw new MatrixError('M_INVALID_PARAM', 'That is not a token of this server');
  return kind === 's' ? seqAt(tx, roomNid, Number(number)) : Number(number);
}

import { forbidden, type MatrixError } from '../matrix/errors.js';
import type { ReadTransaction, Transaction } from '../storage/database.js';
import { addUsage, usageOf } from './usage-store.js';

/** Bytes that may lie here; 0: as many as the disk holds. */
export interface Quotas {
  readonly perUser: number;
  readonly perShard: number;
}

/** How many bytes a person may still upload. */
export async function roomLeft(tx: ReadTransaction, quotas: Quotas, userNid: number): Promise<number> {
  if (quotas.perUser === 0 && quotas.perShard === 0) return Infinity;
  const used = await usageOf(tx, userNid);
  const left = (quota: number, bytes: number): number => (quota === 0 ? Infinity : Math.max(0, quota - bytes));
  return Math.min(left(quotas.perUser, used.user), left(quotas.perShard, used.shard));
}

/** Counts what was uploaded; uploads that ran side by side may have used up the room together. */
export async function chargeUpload(tx: Transaction, quotas: Quotas, userNid: number, bytes: number): Promise<void> {
  await addUsage(tx, new Map([[userNid, bytes]]));
  const { user, shard } = await usageOf(tx, userNid);
  if ((quotas.perUser > 0 && user > quotas.perUser) || (quotas.perShard > 0 && shard > quotas.perShard)) throw quotaReached();
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload */
export function quotaReached(): MatrixError {
  return forbidden('There is no room left for files of yours: ask your administrator, or upload a smaller one');
}

import { createHash } from 'node:crypto';
import { MatrixError } from '../matrix/errors.js';
import type { ReadTransaction, Transaction } from '../storage/database.js';
import { chargeBefore, findAllowance, findIntroduction, forgetIntroductions, purseOf, putIntroduction, type Purse } from './introductions-store.js';

/** How many new identities one person may ask for. */
export interface IdentityBudget {
  readonly perDay: number;
  readonly perWeek: number;
}

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

export interface Introduction {
  readonly viewerNid: number;
  /** A user id, or an e-mail address that leads to nobody. */
  readonly identity: string;
  /** Whom to introduce; undefined when the identity is nobody's, or hidden. */
  readonly userNid: number | undefined;
  readonly now: number;
}

/**
 * Introduces somebody for 24 hours and charges the viewer for the identity, once a week. An identity that is nobody's is charged and
 * written down alike, so that asking about people costs the same whether they exist or not (RULES D2).
 */
export async function introduce(tx: Transaction, budget: IdentityBudget, { viewerNid, identity, userNid, now }: Introduction): Promise<void> {
  const subject = subjectOf(identity);
  const known = await findIntroduction(tx, viewerNid, subject);
  const isCharged = known !== undefined && known.granted_ts > now - WEEK_MS;
  if (isCharged && known.user_nid === (userNid ?? null) && known.until_ts > now) return;
  if (!isCharged) await charge(tx, budget, viewerNid, now);
  await putIntroduction(tx, viewerNid, subject, { user_nid: userNid ?? null, granted_ts: isCharged ? known.granted_ts : now, until_ts: now + DAY_MS });
}

/** Charges for an identity that is written to without being introduced, as by an invitation; what it was introduced to remains. */
export async function chargeIdentity(tx: Transaction, budget: IdentityBudget, { viewerNid, identity, now }: Omit<Introduction, 'userNid'>): Promise<void> {
  const subject = subjectOf(identity);
  const known = await findIntroduction(tx, viewerNid, subject);
  if (known !== undefined && known.granted_ts > now - WEEK_MS) return;
  await charge(tx, budget, viewerNid, now);
  await putIntroduction(tx, viewerNid, subject, { user_nid: known?.user_nid ?? null, granted_ts: now, until_ts: known?.until_ts ?? now });
}

/** Refuses with M_LIMIT_EXCEEDED, and the time to wait, whoever has spent the budget. */
async function charge(tx: Transaction, budget: IdentityBudget, viewerNid: number, now: number): Promise<void> {
  // Two requests at once would both find room for one more.
  const purse = await purseOf(tx, viewerNid);
  await tx.lock(`introductions/${purse.appServiceId ?? viewerNid}`);
  const { perDay, perWeek } = await budgetOf(tx, budget, viewerNid, now);
  const wait = Math.max(await waitFor(tx, purse, perDay, now - DAY_MS), await waitFor(tx, purse, perWeek, now - WEEK_MS));
  if (wait > 0) throw new MatrixError('M_LIMIT_EXCEEDED', 'You have looked for too many new people; try again later', { body: { retry_after_ms: wait } });
  await forgetIntroductions(tx, viewerNid, { chargedUntil: now - WEEK_MS, now });
}

/** Milliseconds until fewer than `most` charges are as young as those since a time are now. */
async function waitFor(tx: ReadTransaction, purse: Purse, most: number, since: number): Promise<number> {
  if (most === 0) return DAY_MS;
  const blocking = await chargeBefore(tx, purse, since, most - 1);
  return blocking === undefined ? 0 : blocking - since;
}

async function budgetOf(tx: ReadTransaction, budget: IdentityBudget, viewerNid: number, now: number): Promise<IdentityBudget> {
  const allowance = await findAllowance(tx, viewerNid, now);
  if (allowance === undefined) return budget;
  return { perDay: allowance.per_day, perWeek: Math.max(budget.perWeek, 7 * allowance.per_day) };
}

function subjectOf(identity: string): string {
  return createHash('sha256').update(identity).digest('base64url');
}

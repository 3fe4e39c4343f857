import { defaultPushRules } from '../matrix/default-push-rules.js';
import { MatrixError } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import { markOwnPushRules } from '../rooms/memberships-store.js';
import { IGNORED_USERS, ignoredIn } from '../rooms/unwanted.js';
import type { Transaction } from '../storage/database.js';
import { advance } from '../storage/stream.js';
import { findPushRules, saveIgnored } from './push-rules-store.js';

/** The list is looked through at every event of every room the person is in. */
const MOST_IGNORED = 1000;

/** A change of somebody's account data outside rooms; without a content it has been deleted. */
export interface AccountDataChange {
  readonly userNid: number;
  readonly userId: UserId;
  readonly type: string;
  readonly content: string | undefined;
}

/** Whom a person ignores neither notifies them nor is counted as unread, from the next event on. */
export async function noteIgnored(tx: Transaction, { userNid, userId, type, content }: AccountDataChange): Promise<void> {
  if (type !== IGNORED_USERS) return;
  const ignored = ignoredIn(content, userId);
  if (ignored.length > MOST_IGNORED) throw new MatrixError('M_TOO_LARGE', `You can ignore at most ${MOST_IGNORED} people`);
  // First, for it holds the stream: of two changes at once the later one sees the earlier.
  await advance(tx, [`membership/${userNid}`]);
  const known = await findPushRules(tx, userNid);
  if (known === undefined && ignored.length === 0) return;
  await saveIgnored(tx, userNid, { ruleset: JSON.stringify(defaultPushRules(userId)), ignored: JSON.stringify(ignored) });
  if (known === undefined) await markOwnPushRules(tx, userNid);
}

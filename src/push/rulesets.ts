import type { UserId } from '../matrix/identifiers.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import type { Ruleset } from '../matrix/push-rules.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Range } from '../storage/stream.js';
import { findPushRules } from './push-rules-store.js';

/** A person's own push rules, the default ones for who never changed any. */
export async function rulesetOf(tx: ReadTransaction, userNid: number, userId: UserId): Promise<Ruleset> {
  const own = await findPushRules(tx, userNid);
  return own === undefined ? defaultPushRules(userId) : (JSON.parse(own.ruleset) as Ruleset);
}

export interface PushRulesEvent {
  readonly type: 'm.push_rules';
  readonly content: { readonly global: Ruleset };
}

/**
 * The rules as the account data clients expect in every first sync, and again when they changed.
 * https://spec.matrix.org/v1.19/client-server-api/#push-rules-events
 */
export async function pushRulesSince(tx: ReadTransaction, who: { userNid: number; userId: UserId }, range: Range): Promise<PushRulesEvent | undefined> {
  const own = await findPushRules(tx, who.userNid);
  const isNews = range.after === 0 || (own !== undefined && own.position > range.after && own.position <= range.upTo);
  if (!isNews) return undefined;
  return { type: 'm.push_rules', content: { global: await rulesetOf(tx, who.userNid, who.userId) } };
}

import type { UserId } from '../matrix/identifiers.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import type { Ruleset } from '../matrix/push-rules.js';
import type { ReadTransaction, Transaction } from '../storage/database.js';
import { markOwnPushRules } from '../rooms/memberships-store.js';
import type { UpgradeObserver } from '../rooms/upgrade.js';
import { advance, holdStream, type Range } from '../storage/stream.js';
import { membersWithOwnRules } from './differences-store.js';
import { findPushRules, savePushRules } from './push-rules-store.js';
import { withReplacedRoom } from './rule-edits.js';

/** A person's own push rules, the default ones for who never changed any. */
export async function rulesetOf(tx: ReadTransaction, userNid: number, userId: UserId): Promise<Ruleset> {
  const own = await findPushRules(tx, userNid);
  return own === undefined ? defaultPushRules(userId) : (JSON.parse(own.ruleset) as Ruleset);
}

/** Changes a person's rules, one change after the other, and tells their devices. What they see of their rooms follows the rules from now on. */
export async function changeRuleset(tx: Transaction, who: { userNid: number; userId: UserId }, change: (ruleset: Ruleset) => Ruleset): Promise<void> {
  // Before reading: two changes at once would each know nothing of the other.
  await holdStream(tx);
  const own = await findPushRules(tx, who.userNid);
  const ruleset = change(own === undefined ? defaultPushRules(who.userId) : (JSON.parse(own.ruleset) as Ruleset));
  await putRuleset(tx, who.userNid, ruleset, own === undefined);
}

/**
 * Whoever had rules for a room has them for the room that replaces it.
 * https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
 */
export const rulesFollowUpgrades: UpgradeObserver = {
  async onUpgrade(tx, { roomNid, from, to }) {
    await holdStream(tx);
    for (const { user_nid, ruleset } of await membersWithOwnRules(tx, roomNid)) {
      const replaced = withReplacedRoom(JSON.parse(ruleset) as Ruleset, from, to);
      if (replaced !== undefined) await putRuleset(tx, user_nid, replaced, false);
    }
  },
};

/** Who has rules of their own for the first time is marked in every room, which is news to what is kept of their memberships. */
async function putRuleset(tx: Transaction, userNid: number, ruleset: Ruleset, isFirst: boolean): Promise<void> {
  const position = await advance(tx, isFirst ? [`account/${userNid}`, `membership/${userNid}`] : [`account/${userNid}`]);
  await savePushRules(tx, userNid, { ruleset: JSON.stringify(ruleset), position });
  if (isFirst) await markOwnPushRules(tx, userNid);
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

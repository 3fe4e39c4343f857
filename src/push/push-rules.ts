import type { Session } from '../auth/session.js';
import { notFound } from '../matrix/errors.js';
import { ruleKinds, type PushRule, type Ruleset } from '../matrix/push-rules.js';
import type { Database } from '../storage/database.js';
import { ruleIn } from './rule-edits.js';
import { rulesetOf } from './rulesets.js';

interface Deps {
  readonly db: Database;
}

interface RuleCall {
  readonly session: Session;
  readonly params: { readonly kind: string; readonly ruleId: string };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules */
export async function listPushRules(deps: Deps, { session }: { session: Session }): Promise<object> {
  return { global: await ownRuleset(deps, session) };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobal */
export async function listGlobalPushRules(deps: Deps, { session }: { session: Session }): Promise<object> {
  return ownRuleset(deps, session);
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid */
export async function getPushRule(deps: Deps, call: RuleCall): Promise<object> {
  return ownRule(deps, call);
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled */
export async function isPushRuleEnabled(deps: Deps, call: RuleCall): Promise<object> {
  return { enabled: (await ownRule(deps, call)).enabled };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidactions */
export async function getPushRuleActions(deps: Deps, call: RuleCall): Promise<object> {
  return { actions: (await ownRule(deps, call)).actions };
}

async function ownRuleset({ db }: Deps, { userNid, userId }: Session): Promise<Ruleset> {
  return db.read((tx) => rulesetOf(tx, userNid, userId));
}

async function ownRule(deps: Deps, { session, params }: RuleCall): Promise<PushRule> {
  // Clients look for rules of kinds that only other servers have.
  const kind = ruleKinds.find((known) => known === params.kind);
  if (kind === undefined) throw notFound('You have no such push rule');
  return ruleIn(await ownRuleset(deps, session), kind, params.ruleId);
}

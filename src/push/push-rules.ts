import type { Session } from '../auth/session.js';
import { MatrixError, notFound } from '../matrix/errors.js';
import { ruleKinds, type PushRule, type RuleKind, type Ruleset } from '../matrix/push-rules.js';
import type { Database } from '../storage/database.js';
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
  const kind = parseKind(params.kind);
  const ruleset = await ownRuleset(deps, session);
  const rule = ruleset[kind].find(({ rule_id }) => rule_id === params.ruleId);
  if (rule === undefined) throw notFound('You have no such push rule');
  return rule;
}

function parseKind(raw: string): RuleKind {
  const kind = ruleKinds.find((known) => known === raw);
  if (kind === undefined) throw new MatrixError('M_INVALID_PARAM', `Push rules are of the kinds ${ruleKinds.join(', ')}`);
  return kind;
}

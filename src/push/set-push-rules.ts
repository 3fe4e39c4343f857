import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { ruleKinds, type RuleKind, type Ruleset } from '../matrix/push-rules.js';
import type { TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { parseActions, parseKind, parseRule, type ActionsBody, type EnabledBody, type RuleBody, type RuleQuery } from './rule-bodies.js';
import { withActions, withEnabled, withoutRule, withRule } from './rule-edits.js';
import { changeRuleset } from './rulesets.js';

interface Deps {
  readonly db: Database;
}

interface RuleCall {
  readonly session: Session;
  readonly params: { readonly kind: string; readonly ruleId: string };
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid */
export async function setPushRule(deps: Deps, call: RuleCall & { query: TypeOf<typeof RuleQuery>; body: TypeOf<typeof RuleBody> }): Promise<object> {
  const rule = parseRule(parseKind(call.params.kind), call.params.ruleId, call.body);
  return edit(deps, call, (ruleset, kind) => withRule(ruleset, kind, rule, call.query));
}

/** https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid */
export async function deletePushRule(deps: Deps, call: RuleCall): Promise<object> {
  return edit(deps, call, (ruleset, kind) => withoutRule(ruleset, kind, call.params.ruleId));
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled */
export async function setPushRuleEnabled(deps: Deps, call: RuleCall & { body: TypeOf<typeof EnabledBody> }): Promise<object> {
  return edit(deps, call, (ruleset, kind) => withEnabled(ruleset, kind, call.params.ruleId, call.body.enabled));
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions */
export async function setPushRuleActions(deps: Deps, call: RuleCall & { body: TypeOf<typeof ActionsBody> }): Promise<object> {
  const actions = parseActions(call.body.actions);
  return edit(deps, call, (ruleset, kind) => withActions(ruleset, kind, call.params.ruleId, actions));
}

/** All rules of one person: they are read with every event of every room the person is in. */
const MOST_BYTES = 128 * 1024;
/** Of all patterns in which a question mark stands: each is compared at every place of a text. */
const MOST_WILD_CHARACTERS = 512;

function wildCharactersIn(ruleset: Ruleset): number {
  const patterns = ruleKinds.flatMap((kind) => ruleset[kind].flatMap(({ pattern, conditions = [] }) => [pattern, ...conditions.map((condition) => condition.pattern)]));
  return patterns.reduce((sum, pattern = '') => sum + (pattern.includes('?') ? pattern.length : 0), 0);
}

async function edit({ db }: Deps, { session, params }: RuleCall, change: (ruleset: Ruleset, kind: RuleKind) => Ruleset): Promise<object> {
  const kind = parseKind(params.kind);
  await db.transaction((tx) =>
    changeRuleset(tx, session, (ruleset) => {
      const changed = change(ruleset, kind);
      if (Buffer.byteLength(JSON.stringify(changed)) > MOST_BYTES || wildCharactersIn(changed) > MOST_WILD_CHARACTERS) {
        throw new MatrixError('M_TOO_LARGE', 'You have too many push rules: delete some first');
      }
      return changed;
    }));
  return {};
}

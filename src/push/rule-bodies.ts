import { MatrixError } from '../matrix/errors.js';
import { parseRoomId, parseUserId } from '../matrix/identifiers.js';
import { ruleKinds, type PushAction, type PushCondition, type RuleKind } from '../matrix/push-rules.js';
import { anyJson, anyObject, array, boolean, either, object, optional, string, text, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { OwnRule } from './rule-edits.js';

/** Each is asked of every event. */
const MOST_CONDITIONS = 50;
const LONGEST_PATTERN = 255;
const LONGEST_KEY = 512;

const Actions = array(either(string, anyObject), { maxItems: 50 });
const Condition = object({
  kind: text({ maxLength: 255 }),
  key: optional(text({ maxLength: LONGEST_KEY })),
  pattern: optional(text({ maxLength: LONGEST_PATTERN })),
  value: optional(anyJson),
  is: optional(text({ maxLength: 32 })),
});

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid */
export const RuleBody = object({
  actions: Actions,
  conditions: optional(array(Condition, { maxItems: MOST_CONDITIONS })),
  pattern: optional(text({ minLength: 1, maxLength: LONGEST_PATTERN })),
});
export const RuleQuery = object({ before: optional(string), after: optional(string) });
export const EnabledBody = object({ enabled: boolean });
export const ActionsBody = object({ actions: Actions });

export function parseKind(raw: string): RuleKind {
  const kind = ruleKinds.find((known) => known === raw);
  if (kind === undefined) throw new MatrixError('M_INVALID_PARAM', `Push rules are of the kinds ${ruleKinds.join(', ')}`);
  return kind;
}

/** A rule as it is kept: of what the client stated, the members that belong to its kind. */
export function parseRule(kind: RuleKind, ruleId: string, body: TypeOf<typeof RuleBody>): OwnRule {
  refuseRuleId(kind, ruleId);
  const rule = { rule_id: ruleId, actions: parseActions(body.actions) };
  switch (kind) {
    case 'override':
    case 'underride':
      return { ...rule, conditions: (body.conditions ?? []) as readonly PushCondition[] };
    case 'content':
      if (body.pattern === undefined) throw new MatrixError('M_MISSING_PARAM', 'A content rule needs a pattern');
      return { ...rule, pattern: body.pattern };
    case 'room':
    case 'sender':
      return rule;
  }
}

/** Kept as they are given, those of older versions too, so that clients find what they wrote. https://spec.matrix.org/v1.19/client-server-api/#actions */
export function parseActions(actions: readonly (string | JsonObject)[]): readonly PushAction[] {
  for (const action of actions) {
    const isKnown = typeof action === 'string' ? ['notify', 'dont_notify', 'coalesce'].includes(action) : typeof action['set_tweak'] === 'string';
    if (!isKnown) throw new MatrixError('M_INVALID_PARAM', 'An action is "notify" or an object with set_tweak');
  }
  return actions as readonly PushAction[];
}

function refuseRuleId(kind: RuleKind, ruleId: string): void {
  if (ruleId.startsWith('.')) throw new MatrixError('M_INVALID_PARAM', 'Rule ids that begin with a dot belong to the predefined rules');
  if (/[/\\]/.test(ruleId)) throw new MatrixError('M_INVALID_PARAM', 'A rule id may not contain slashes or backslashes');
  if (kind === 'room') parseRoomId(ruleId);
  if (kind === 'sender') parseUserId(ruleId);
}

import { MatrixError, notFound } from '../matrix/errors.js';
import { ruleKinds, type PushAction, type PushCondition, type PushRule, type RuleKind, type Ruleset } from '../matrix/push-rules.js';

/** What a client states of a rule of its own. */
export type OwnRule = Pick<PushRule, 'rule_id' | 'actions' | 'conditions' | 'pattern'>;

/** Where a rule goes among the person's own rules of its kind. */
export interface Neighbours {
  readonly before?: string;
  readonly after?: string;
}

/**
 * A rule set with a rule added or changed. A new rule is enabled and comes before all others of its kind; one that exists keeps its
 * place, and stays off if it is off. https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export function withRule(ruleset: Ruleset, kind: RuleKind, stated: OwnRule, { before, after }: Neighbours): Ruleset {
  const known = ruleset[kind].find(({ rule_id }) => rule_id === stated.rule_id);
  const rule: PushRule = { default: false, enabled: known?.enabled ?? true, ...stated };
  if (before === undefined && after === undefined && known !== undefined) return changed(ruleset, kind, stated.rule_id, () => rule);
  const others = ruleset[kind].filter(({ rule_id }) => rule_id !== stated.rule_id);
  const at = before === undefined ? placeAfter(others, after) : placeOf(others, before);
  return { ...ruleset, [kind]: others.toSpliced(at, 0, rule) };
}

export function withoutRule(ruleset: Ruleset, kind: RuleKind, ruleId: string): Ruleset {
  if (ruleIn(ruleset, kind, ruleId).default) throw new MatrixError('M_INVALID_PARAM', 'A predefined rule cannot be deleted, but it can be disabled');
  return { ...ruleset, [kind]: ruleset[kind].filter(({ rule_id }) => rule_id !== ruleId) };
}

export function withEnabled(ruleset: Ruleset, kind: RuleKind, ruleId: string, enabled: boolean): Ruleset {
  return changed(ruleset, kind, ruleId, (rule) => ({ ...rule, enabled }));
}

export function withActions(ruleset: Ruleset, kind: RuleKind, ruleId: string, actions: readonly PushAction[]): Ruleset {
  return changed(ruleset, kind, ruleId, (rule) => ({ ...rule, actions }));
}

export function ruleIn(ruleset: Ruleset, kind: RuleKind, ruleId: string): PushRule {
  const rule = ruleset[kind].find(({ rule_id }) => rule_id === ruleId);
  if (rule === undefined) throw notFound('You have no such push rule');
  return rule;
}

/** The rules that speak of one room speak of the room that replaces it too; undefined when none does. */
export function withReplacedRoom(ruleset: Ruleset, from: string, to: string): Ruleset | undefined {
  let copied = ruleset;
  for (const kind of ruleKinds) {
    for (const rule of ruleset[kind]) {
      const copy = rule.default ? undefined : copyFor(kind, rule, from, to);
      if (copy === undefined || copied[kind].some(({ rule_id }) => rule_id === copy.rule_id)) continue;
      const at = copied[kind].findIndex(({ rule_id }) => rule_id === rule.rule_id);
      copied = { ...copied, [kind]: copied[kind].toSpliced(at + 1, 0, copy) };
    }
  }
  return copied === ruleset ? undefined : copied;
}

function copyFor(kind: RuleKind, rule: PushRule, from: string, to: string): PushRule | undefined {
  if (kind === 'room') return rule.rule_id === from ? { ...rule, rule_id: to } : undefined;
  const names = ({ kind: of, key, pattern }: PushCondition): boolean => of === 'event_match' && key === 'room_id' && pattern === from;
  if (rule.conditions?.some(names) !== true) return undefined;
  const conditions = rule.conditions.map((condition) => (names(condition) ? { ...condition, pattern: to } : condition));
  const rule_id = rule.rule_id.includes(from) ? rule.rule_id.replace(from, () => to) : `${rule.rule_id} ${to}`;
  return { ...rule, rule_id, conditions };
}

function changed(ruleset: Ruleset, kind: RuleKind, ruleId: string, change: (rule: PushRule) => PushRule): Ruleset {
  const rule = ruleIn(ruleset, kind, ruleId);
  return { ...ruleset, [kind]: ruleset[kind].map((each) => (each === rule ? change(rule) : each)) };
}

/** The master rule stays in front of everything: whoever turns it on wants to hear of nothing. */
function placeAfter(others: readonly PushRule[], after: string | undefined): number {
  if (after !== undefined) return placeOf(others, after) + 1;
  return others[0]?.rule_id === '.m.rule.master' ? 1 : 0;
}

function placeOf(others: readonly PushRule[], neighbour: string): number {
  const at = others.findIndex(({ rule_id, default: isDefault }) => rule_id === neighbour && !isDefault);
  // The specification's own example has this errcode.
  if (at < 0) throw new MatrixError('M_UNKNOWN', `before/after rule not found: ${neighbour}`, { status: 400 });
  return at;
}

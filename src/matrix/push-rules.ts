import { compileGlob, literalGlob, matchesWhole, matchesWords } from './glob.js';
import type { PowerLevels } from './power-levels.js';
import type { JsonObject, JsonValue } from './schema.js';

// Types, not interfaces, so that a rule set is a JsonObject.

/** One condition; which of the members count depends on the kind, and an unknown kind never holds. */
export type PushCondition = {
  readonly kind: string;
  readonly key?: string;
  readonly pattern?: string;
  readonly value?: JsonValue;
  readonly is?: string;
};

export type PushAction = string | { readonly set_tweak: string; readonly value?: JsonValue };

export type PushRule = {
  readonly rule_id: string;
  readonly default: boolean;
  readonly enabled: boolean;
  readonly actions: readonly PushAction[];
  /** Of override and underride rules. */
  readonly conditions?: readonly PushCondition[];
  /** Of content rules. */
  readonly pattern?: string;
};

/** In the order in which they are asked. https://spec.matrix.org/v1.19/client-server-api/#push-rules */
export const ruleKinds = ['override', 'content', 'room', 'sender', 'underride'] as const;
export type RuleKind = (typeof ruleKinds)[number];
export type Ruleset = Readonly<Record<RuleKind, readonly PushRule[]>>;

/** What the conditions ask beyond the event. */
export interface PushContext {
  /** Of the person the rules are of, in this room. */
  readonly displayName?: string;
  /** Joined members. */
  readonly memberCount: number;
  readonly powerLevels: Pick<PowerLevels, 'userLevel' | 'notificationLevel'>;
}

/** The client format of an event, with its `room_id`. */
export type PushedEvent = JsonObject & { readonly type: string; readonly sender: string; readonly room_id: string };

export interface PushResult {
  readonly notify: boolean;
  readonly highlight: boolean;
  readonly actions: readonly PushAction[];
}

const NOTHING: PushResult = { notify: false, highlight: false, actions: [] };
/** Of older versions of the specification; they mean nothing. */
const HISTORICAL_ACTIONS: readonly unknown[] = ['dont_notify', 'coalesce'];

/**
 * What the first enabled rule that matches says of the event; nothing if none does. Nobody is notified of their own events:
 * that is for the caller to know. https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
export function evaluate(ruleset: Ruleset, event: PushedEvent, context: PushContext): PushResult {
  for (const kind of ruleKinds) {
    const rule = ruleset[kind].find((candidate) => candidate.enabled && matchesRule(kind, candidate, event, context));
    if (rule !== undefined) return resultOf(rule);
  }
  return NOTHING;
}

function matchesRule(kind: RuleKind, rule: PushRule, event: PushedEvent, context: PushContext): boolean {
  switch (kind) {
    case 'override':
    case 'underride':
      return (rule.conditions ?? []).every((condition) => holds(condition, event, context));
    case 'content':
      return rule.pattern !== undefined && matchesProperty(event, 'content.body', rule.pattern);
    case 'room':
      return event.room_id === rule.rule_id;
    case 'sender':
      return event.sender === rule.rule_id;
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#conditions-1 */
function holds(condition: PushCondition, event: PushedEvent, context: PushContext): boolean {
  const { key, pattern, value } = condition;
  switch (condition.kind) {
    case 'event_match':
      return key !== undefined && pattern !== undefined && matchesProperty(event, key, pattern);
    case 'event_property_is':
      return key !== undefined && isScalar(value) && property(event, key) === value;
    case 'event_property_contains':
      return key !== undefined && isScalar(value) && containsValue(property(event, key), value);
    case 'contains_display_name':
      return containsName(property(event, 'content.body'), context.displayName);
    case 'room_member_count':
      return condition.is !== undefined && isCount(condition.is, context.memberCount);
    case 'sender_notification_permission':
      return key !== undefined && context.powerLevels.userLevel(event.sender) >= context.powerLevels.notificationLevel(key);
    default:
      return false;
  }
}

/** Names, topics and ids are shorter; what is longer is ciphertext, of which a pattern says nothing, or there to keep the server busy. */
const LONGEST_VALUE = 1024;

function matchesProperty(event: JsonObject, key: string, pattern: string): boolean {
  const value = property(event, key);
  if (typeof value !== 'string' || value.length > LONGEST_VALUE) return false;
  const glob = compileGlob(pattern);
  return key === 'content.body' ? matchesWords(glob, value) : matchesWhole(glob, value);
}

function containsValue(list: JsonValue | undefined, value: JsonValue): boolean {
  return Array.isArray(list) && list.includes(value);
}

function containsName(body: JsonValue | undefined, name: string | undefined): boolean {
  if (typeof body !== 'string' || name === undefined || name === '') return false;
  return matchesWords(literalGlob(name), body);
}

function isCount(is: string, count: number): boolean {
  const [, operator = '==', digits] = /^(==|<=|>=|<|>)?([0-9]+)$/.exec(is) ?? [];
  const bound = Number(digits);
  switch (operator) {
    case '<':
      return count < bound;
    case '>':
      return count > bound;
    case '<=':
      return count <= bound;
    case '>=':
      return count >= bound;
    default:
      return count === bound;
  }
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
}

const MAX_PATHS = 2_000;
const paths = new Map<string, readonly string[]>();

function property(event: JsonObject, key: string): JsonValue | undefined {
  let value: JsonValue | undefined = event;
  for (const name of pathOf(key)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths */
function pathOf(key: string): readonly string[] {
  const known = paths.get(key);
  if (known !== undefined) return known;
  const names = [''];
  for (const token of key.match(/\\[.\\]|[^]/g) ?? []) {
    if (token === '.') names.push('');
    else names[names.length - 1] += token.length === 2 ? token.slice(1) : token;
  }
  if (paths.size >= MAX_PATHS) paths.clear();
  paths.set(key, names);
  return names;
}

/** https://spec.matrix.org/v1.19/client-server-api/#actions */
function resultOf(rule: PushRule): PushResult {
  const actions = rule.actions.filter((action) => !HISTORICAL_ACTIONS.includes(action));
  const notify = actions.includes('notify');
  const highlight = actions.find((action) => typeof action === 'object' && action.set_tweak === 'highlight');
  // A tweak without a value means true.
  return { notify, highlight: notify && typeof highlight === 'object' && highlight.value !== false, actions };
}

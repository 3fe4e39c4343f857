import { describe, it, expect } from '@jest/globals';
import { defaultPushRules } from './default-push-rules.js';
import { evaluate, ruleKinds, type PushAction, type PushCondition, type PushContext, type PushRule, type PushedEvent, type Ruleset } from './push-rules.js';
import type { JsonObject } from './schema.js';

const me = '@me:s';
const event = (type: string, content: JsonObject = {}, more: JsonObject = {}): PushedEvent => ({ type, content, sender: '@you:s', room_id: '!r:s', ...more });
const context: PushContext = { memberCount: 3, powerLevels: { userLevel: () => 0, notificationLevel: () => 50 } };
const powerful: PushContext = { ...context, powerLevels: { userLevel: () => 50, notificationLevel: () => 50 } };
const pair: PushContext = { ...context, memberCount: 2 };
const sound = (value: string): PushAction => ({ set_tweak: 'sound', value });
const highlight: PushAction = { set_tweak: 'highlight' };

describe('the default rules', () => {
  const rules = defaultPushRules(me);
  const actions = (pushed: PushedEvent, at = context, ruleset: Ruleset = rules) => evaluate(ruleset, pushed, at).actions;
  const encrypted = event('m.room.encrypted');

  it('are those of the specification, in its order', () => {
    expect(ruleKinds.flatMap((kind) => rules[kind].map(({ rule_id: id }) => `${kind}/${id}`))).toEqual([
      'override/.m.rule.master', 'override/.m.rule.suppress_notices', 'override/.m.rule.invite_for_me', 'override/.m.rule.member_event',
      'override/.m.rule.is_user_mention', 'override/.m.rule.is_room_mention', 'override/.m.rule.tombstone', 'override/.m.rule.reaction',
      'override/.m.rule.room.server_acl', 'override/.m.rule.suppress_edits', 'underride/.m.rule.call', 'underride/.m.rule.encrypted_room_one_to_one',
      'underride/.m.rule.room_one_to_one', 'underride/.m.rule.message', 'underride/.m.rule.encrypted',
    ]);
    expect(rules.override.filter(({ enabled }) => !enabled).map(({ rule_id: id }) => id)).toEqual(['.m.rule.master']);
  });

  it('notify of every encrypted event, with a sound where two are alone', () => {
    expect(evaluate(rules, encrypted, context)).toEqual({ notify: true, highlight: false, actions: ['notify'] });
    expect(evaluate(rules, encrypted, pair)).toEqual({ notify: true, highlight: false, actions: ['notify', sound('default')] });
  });

  it('notify of nothing when the master rule is on', () => {
    const off = { ...rules, override: rules.override.map((rule) => ({ ...rule, enabled: true })) };
    expect(evaluate(off, encrypted, context)).toEqual({ notify: false, highlight: false, actions: [] });
  });

  it('notify of one\'s own invite and of no other membership', () => {
    const member = (stateKey: string, membership: string) => event('m.room.member', { membership }, { state_key: stateKey });
    expect(actions(member(me, 'invite'))).toEqual(['notify', sound('default')]);
    expect([actions(member('@x:s', 'invite')), actions(member(me, 'join'))]).toEqual([[], []]);
  });

  it('highlight mentions of oneself, and of the room by those who may', () => {
    const mentioning = (mentions: JsonObject) => event('m.room.encrypted', { 'm.mentions': mentions });
    expect(evaluate(rules, mentioning({ user_ids: ['@x:s', me] }), context)).toMatchObject({ notify: true, highlight: true });
    expect(evaluate(rules, mentioning({ user_ids: ['@x:s'] }), context)).toMatchObject({ notify: true, highlight: false });
    expect(evaluate(rules, mentioning({ room: true }), powerful)).toMatchObject({ notify: true, highlight: true });
    expect(evaluate(rules, mentioning({ room: true }), context)).toMatchObject({ notify: true, highlight: false });
    expect(evaluate(rules, mentioning({ room: 'true' }), powerful)).toMatchObject({ highlight: false });
  });

  it('highlight a tombstone that is state', () => {
    expect(actions(event('m.room.tombstone', {}, { state_key: '' }))).toEqual(['notify', highlight]);
    expect(actions(event('m.room.tombstone'))).toEqual([]);
  });

  it('say nothing of reactions, server ACLs, edits, notices, and types without a rule', () => {
    const edit = event('m.room.encrypted', { 'm.relates_to': { rel_type: 'm.replace' } });
    const silent = [event('m.reaction'), event('m.room.server_acl', {}, { state_key: '' }), edit, event('m.room.message', { msgtype: 'm.notice' }), event('m.room.topic')];
    for (const quiet of silent) expect(evaluate(rules, quiet, context)).toEqual({ notify: false, highlight: false, actions: [] });
  });

  it('ring for calls and notify of messages', () => {
    expect(actions(event('m.call.invite'))).toEqual(['notify', sound('ring')]);
    expect(actions(event('m.room.message'))).toEqual(['notify']);
    expect(actions(event('m.room.message'), pair)).toEqual(['notify', sound('default')]);
  });
});

describe('kinds of rules', () => {
  const rule = (id: string, more: Partial<PushRule> = {}): PushRule => ({ rule_id: id, default: false, enabled: true, actions: [id], ...more });
  const all: Ruleset = {
    override: [rule('first', { conditions: [] }), rule('second')], content: [rule('c', { pattern: 'cake' })], room: [rule('!r:s')], sender: [rule('@you:s')], underride: [rule('u')],
  };
  const message = event('m.room.message', { body: 'a piece of CAKE!' });
  const first = (ruleset: Ruleset, pushed = message) => evaluate(ruleset, pushed, context).actions;

  it('are asked in order: override, content, room, sender, underride', () => {
    let ruleset = all;
    for (const [kind, action] of [['override', 'first'], ['content', 'c'], ['room', '!r:s'], ['sender', '@you:s'], ['underride', 'u']] as const) {
      expect(first(ruleset)).toEqual([action]);
      ruleset = { ...ruleset, [kind]: [] };
    }
    expect(first(ruleset)).toEqual([]);
  });

  it('leave out the disabled', () => {
    expect(first({ ...all, override: all.override.map((r) => ({ ...r, enabled: r.rule_id !== 'first' })) })).toEqual(['second']);
  });

  it('match rooms and senders exactly, and content by words', () => {
    const rest = { ...all, override: [], underride: [] };
    expect(first(rest, event('m.room.message', { body: 'cakes' }, { room_id: '!R:s', sender: '@You:s' }))).toEqual([]);
    expect(first(rest, event('m.room.message', {}, { room_id: '!other:s' }))).toEqual(['@you:s']);
  });

  it('drop the actions of old, and take a highlight as it is meant', () => {
    const acting = (actions: readonly PushAction[]) => evaluate({ ...all, override: [rule('x', { actions })] }, message, context);
    expect(acting(['dont_notify', 'coalesce'])).toEqual({ notify: false, highlight: false, actions: [] });
    expect(acting(['notify', { set_tweak: 'highlight', value: false }])).toMatchObject({ notify: true, highlight: false });
    expect(acting(['notify', { set_tweak: 'highlight', value: true }])).toMatchObject({ notify: true, highlight: true });
    expect(acting([highlight])).toMatchObject({ notify: false, highlight: false });
  });
});

describe('conditions', () => {
  const holds = (condition: PushCondition, pushed: PushedEvent, at = context) =>
    evaluate({ override: [{ rule_id: 'x', default: false, enabled: true, actions: ['notify'], conditions: [condition] }], content: [], room: [], sender: [], underride: [] }, pushed, at).notify;

  it('event_match: the whole of a string property, of the body a part between word boundaries', () => {
    const topic = (value: JsonObject[string]) => event('m.room.topic', { topic: value });
    const lunch = { kind: 'event_match', key: 'content.topic', pattern: 'lunc?*' };
    for (const [value, isMatch] of [['Lunch plans', true], ['LUNCH', true], [' lunch', false], ['lunc', false], [null, false]] as const) {
      expect(holds(lunch, topic(value))).toBe(isMatch);
    }
    expect(holds({ kind: 'event_match', key: 'content.none', pattern: '*' }, topic('x'))).toBe(false);
    expect([1024, 1025].map((length) => holds({ kind: 'event_match', key: 'content.topic', pattern: 'x*' }, topic('x'.repeat(length))))).toEqual([true, false]);
    expect(holds({ kind: 'event_match', key: 'content.body', pattern: 'ex*ple' }, event('m.room.message', { body: 'An exciting triple-whammy' }))).toBe(true);
  });

  it('event_property_is: exactly, without casts', () => {
    const federate = { kind: 'event_property_is', key: 'content.m\\.federate', value: true };
    for (const [value, isMatch] of [[true, true], ['true', false], [1, false]] as const) expect(holds(federate, event('x', { 'm.federate': value }))).toBe(isMatch);
    expect(holds({ ...federate, value: null }, event('x', { 'm.federate': null }))).toBe(true);
    expect(holds({ ...federate, value: null }, event('x'))).toBe(false);
    const { value: _, ...without } = federate;
    expect(holds(without, event('x'))).toBe(false);
  });

  it('event_property_contains: one item exactly', () => {
    const alias = { kind: 'event_property_contains', key: 'content.alt_aliases', value: '#myroom:example.com' };
    expect(holds(alias, event('x', { alt_aliases: ['#a:b', '#myroom:example.com'] }))).toBe(true);
    for (const list of [[':example.com'], '#myroom:example.com', { 0: '#myroom:example.com' }]) expect(holds(alias, event('x', { alt_aliases: list }))).toBe(false);
  });

  it('paths: escaped dots and backslashes, other escapes as they are, own members only', () => {
    const is = (key: string, content: JsonObject) => holds({ kind: 'event_property_is', key, value: 1 }, event('x', content));
    expect(is('content.m\\\\foo', { 'm\\foo': 1 })).toBe(true);
    expect(is('content.a\\.b.c', { 'a.b': { c: 1 } })).toBe(true);
    expect(is('content.\\x', { '\\x': 1 })).toBe(true);
    expect(is('content.', { '': 1 })).toBe(true);
    expect(is('content.list.length', { list: [0] })).toBe(false);
    expect(holds({ kind: 'event_match', key: 'content.constructor.name', pattern: '*' }, event('x'))).toBe(false);
  });

  it('contains_display_name: literally, as a word', () => {
    const said = (body: string, displayName?: string) => holds({ kind: 'contains_display_name' }, event('m.room.message', { body }), { ...context, ...(displayName === undefined ? {} : { displayName }) });
    expect([said('hello ada!', 'Ada'), said('hello adam', 'Ada'), said('hello'), said('hello', ''), said('abc', 'a*')]).toEqual([true, false, false, false, false]);
  });

  it.each([['2', [2]], ['==2', [2]], ['<2', [1]], ['<=2', [1, 2]], ['>2', [3]], ['>=2', [2, 3]], ['x', []], ['', []], ['=2', []], ['>-1', []]])('room_member_count %s', (is, counts) => {
    expect([1, 2, 3].filter((memberCount) => holds({ kind: 'room_member_count', is }, event('x'), { ...context, memberCount }))).toEqual(counts);
  });

  it('sender_notification_permission: the level of the key', () => {
    const asked: unknown[] = [];
    const levels = { userLevel: (userId: string) => { asked.push(userId); return 50; }, notificationLevel: (key: string) => { asked.push(key); return 50; } };
    expect(holds({ kind: 'sender_notification_permission', key: 'room' }, event('x'), { ...context, powerLevels: levels })).toBe(true);
    expect(asked).toEqual(['@you:s', 'room']);
    expect(holds({ kind: 'sender_notification_permission', key: 'room' }, event('x'))).toBe(false);
  });

  it('never hold when they are unknown or lack a part', () => {
    for (const condition of [{ kind: 'device' }, { kind: 'event_match', key: 'type' }, { kind: 'event_match', pattern: '*' }, { kind: 'room_member_count' }, { kind: 'constructor' }]) {
      expect(holds(condition, event('x'))).toBe(false);
    }
  });
});

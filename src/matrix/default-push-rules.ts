import type { PushAction, PushCondition, PushRule, Ruleset } from './push-rules.js';

/** The rules everybody starts with. https://spec.matrix.org/v1.19/client-server-api/#predefined-rules */
export function defaultPushRules(userId: string): Ruleset {
  return {
    override: [
      { ...rule('.m.rule.master', [], []), enabled: false },
      rule('.m.rule.suppress_notices', [match('content.msgtype', 'm.notice')], []),
      rule('.m.rule.invite_for_me', [match('type', 'm.room.member'), match('content.membership', 'invite'), match('state_key', userId)], ['notify', sound('default')]),
      rule('.m.rule.member_event', [match('type', 'm.room.member')], []),
      rule('.m.rule.is_user_mention', [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }], ['notify', sound('default'), highlight]),
      ...constantOverrides,
    ],
    content: [],
    room: [],
    sender: [],
    underride,
  };
}

const highlight: PushAction = { set_tweak: 'highlight' };

const constantOverrides: readonly PushRule[] = [
  rule(
    '.m.rule.is_room_mention',
    [{ kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true }, { kind: 'sender_notification_permission', key: 'room' }],
    ['notify', highlight],
  ),
  rule('.m.rule.tombstone', [match('type', 'm.room.tombstone'), match('state_key', '')], ['notify', highlight]),
  rule('.m.rule.reaction', [match('type', 'm.reaction')], []),
  rule('.m.rule.room.server_acl', [match('type', 'm.room.server_acl'), match('state_key', '')], []),
  rule('.m.rule.suppress_edits', [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }], []),
];

const twoMembers: PushCondition = { kind: 'room_member_count', is: '2' };

const underride: readonly PushRule[] = [
  rule('.m.rule.call', [match('type', 'm.call.invite')], ['notify', sound('ring')]),
  rule('.m.rule.encrypted_room_one_to_one', [twoMembers, match('type', 'm.room.encrypted')], ['notify', sound('default')]),
  rule('.m.rule.room_one_to_one', [twoMembers, match('type', 'm.room.message')], ['notify', sound('default')]),
  rule('.m.rule.message', [match('type', 'm.room.message')], ['notify']),
  rule('.m.rule.encrypted', [match('type', 'm.room.encrypted')], ['notify']),
];

function rule(id: string, conditions: readonly PushCondition[], actions: readonly PushAction[]): PushRule {
  return { rule_id: id, default: true, enabled: true, conditions, actions };
}

function match(key: string, pattern: string): PushCondition {
  return { kind: 'event_match', key, pattern };
}

function sound(value: string): PushAction {
  return { set_tweak: 'sound', value };
}

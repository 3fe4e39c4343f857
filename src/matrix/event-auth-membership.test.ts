import { describe, it, expect } from '@jest/globals';
import { authorise, type AuthState } from './event-auth.js';
import { parseEventId, parseRoomId, parseUserId } from './identifiers.js';
import { roomVersion } from './room-versions.js';
import type { JsonObject, JsonValue } from './schema.js';

const versions = ['6', '7', '8', '9', '10', '11', '12'];
const from = (first: number) => versions.filter((version) => Number(version) >= first);
const before = (first: number) => versions.filter((version) => Number(version) < first);
const creator = parseUserId('@creator:s');
const alice = parseUserId('@alice:s');
const bob = parseUserId('@bob:s');
const createId = parseEventId('$create');

interface Room {
  readonly memberships?: Readonly<Record<string, string>>;
  readonly joinRule?: JsonValue;
  readonly levels?: JsonObject;
}

const stateOf = ({ memberships = {}, joinRule, levels }: Room): AuthState => (type, stateKey) => {
  const contents: Readonly<Record<string, JsonObject | undefined>> = {
    'm.room.create': { creator },
    'm.room.member': memberships[stateKey] === undefined ? undefined : { membership: memberships[stateKey] },
    'm.room.join_rules': joinRule === undefined ? undefined : { join_rule: joinRule },
    'm.room.power_levels': levels,
  };
  const content = contents[type];
  return content && { sender: creator, content, eventId: type === 'm.room.create' ? createId : parseEventId('$x') };
};

interface Change {
  readonly by?: typeof alice;
  readonly of?: string;
  readonly content?: JsonObject;
  readonly prev?: readonly string[];
}

const become = (membership: JsonValue | undefined, room: Room, version = '11', { by = alice, of = by, content = {}, prev = ['$p'] }: Change = {}) => () =>
  authorise(
    {
      type: 'm.room.member', sender: by, state_key: of, room_id: parseRoomId('!create'), prev_events: prev.map(parseEventId),
      content: { ...content, membership },
    },
    stateOf(room),
    roomVersion(version),
  );
const refusal = (message: string) => expect.objectContaining({ errcode: 'M_FORBIDDEN', message: expect.stringContaining(message) });

describe('4.1 and 4.8', () => {
  it('refuses a membership without a person or without a membership, and one nobody knows', () => {
    expect(become(undefined, {})).toThrow(refusal('A membership needs'));
    for (const membership of ['', 'joined', 7, null]) expect(become(membership, { memberships: { [alice]: 'join' } })).toThrow(refusal('no such membership'));
  });
});

describe('4.3 join', () => {
  it.each(versions)('1. lets the creator in right after the create event in version %s', (version) => {
    expect(become('join', {}, version, { by: creator, prev: ['$create'] })).not.toThrow();
    expect(become('join', {}, version, { by: creator })).toThrow(refusal('not invited'));
    expect(become('join', {}, version, { by: creator, prev: ['$create', '$p'] })).toThrow(refusal('not invited'));
    expect(become('join', {}, version, { prev: ['$create'] })).toThrow(refusal('not invited'));
  });

  it('2. lets nobody join for somebody else', () => {
    expect(become('join', { memberships: { [alice]: 'join', [bob]: 'invite' } }, '11', { of: bob })).toThrow(refusal('for somebody else'));
  });

  it('3. keeps the banned out', () => {
    for (const joinRule of ['invite', 'restricted', 'public']) expect(become('join', { memberships: { [alice]: 'ban' }, joinRule })).toThrow(refusal('banned'));
  });

  const rules = [['invite', 6], ['knock', 7], ['restricted', 8], ['knock_restricted', 10]] as const;
  it.each(rules)('4, 5.1. lets the invited and the joined in when the rule is %s, from version %s on', (joinRule, first) => {
    for (const membership of ['invite', 'join']) {
      for (const version of from(first)) expect(become('join', { memberships: { [alice]: membership }, joinRule }, version)).not.toThrow();
      for (const version of before(first)) expect(become('join', { memberships: { [alice]: membership }, joinRule }, version)).toThrow(refusal('not invited'));
    }
    for (const membership of ['leave', 'knock']) expect(become('join', { memberships: { [alice]: membership }, joinRule })).toThrow(refusal('not invited'));
  });

  it.each([['restricted', 8], ['knock_restricted', 10]] as const)('5. lets in whom a member who may invite authorises, when the rule is %s', (joinRule, first) => {
    const content = { join_authorised_via_users_server: bob };
    const room = { joinRule, memberships: { [bob]: 'join' } };
    for (const version of from(first)) {
      expect(become('join', room, version, { content })).not.toThrow();
      expect(become('join', room, version)).toThrow(refusal('not invited'));
      expect(become('join', { joinRule }, version, { content })).toThrow(refusal('must be in this room'));
      expect(become('join', { ...room, levels: { invite: 1 } }, version, { content })).toThrow(refusal('allowed to invite'));
    }
    for (const version of before(first)) expect(become('join', room, version, { content })).toThrow(refusal('not invited'));
  });

  it('6, 7. lets nobody in by any other rule, the invited not even', () => {
    for (const joinRule of ['public', 'private', '', null, 7]) {
      for (const version of versions) expect(become('join', { joinRule, memberships: { [alice]: 'invite' } }, version)).toThrow(refusal('not invited'));
    }
  });

  it('takes a room without a join rule for one by invitation', () => {
    expect(become('join', { memberships: { [alice]: 'invite' } })).not.toThrow();
    expect(become('join', {})).toThrow(refusal('not invited'));
  });
});

describe('4.4 invite', () => {
  const invite = (room: Room, content: JsonObject = {}) => become('invite', room, '11', { of: bob, content });

  it('1. knows no third-party invites', () => {
    expect(invite({ memberships: { [alice]: 'join' } }, { third_party_invite: { signed: {} } })).toThrow(refusal('third-party'));
  });

  it('2, 3. is for members to give to those who are neither in nor banned', () => {
    expect(invite({})).toThrow(refusal('You are not in this room'));
    for (const [now, message] of [['join', 'already'], ['ban', 'banned']] as const) {
      expect(invite({ memberships: { [alice]: 'join', [bob]: now } })).toThrow(refusal(message));
    }
    for (const now of ['leave', 'invite', 'knock']) expect(invite({ memberships: { [alice]: 'join', [bob]: now } })).not.toThrow();
  });

  it('4, 5. needs the invite level', () => {
    expect(invite({ memberships: { [alice]: 'join' }, levels: { invite: 10, users: { [alice]: 10 } } })).not.toThrow();
    expect(invite({ memberships: { [alice]: 'join' }, levels: { invite: 10 } })).toThrow(refusal('You need power level 10 to invite people'));
  });
});

describe('4.5 leave', () => {
  it('1. is free to those who are in, invited, or (from version 7 on) knocking', () => {
    for (const version of versions) {
      for (const now of ['join', 'invite']) expect(become('leave', { memberships: { [alice]: now } }, version)).not.toThrow();
      expect(become('leave', {}, version)).toThrow(refusal('not in this room'));
      expect(become('leave', { memberships: { [alice]: 'ban' } }, version)).toThrow(refusal('banned'));
    }
    for (const version of from(7)) expect(become('leave', { memberships: { [alice]: 'knock' } }, version)).not.toThrow();
    expect(become('leave', { memberships: { [alice]: 'knock' } }, '6')).toThrow(refusal('not in this room'));
  });

  const levels = { kick: 50, ban: 60, users: { [alice]: 55, [bob]: 54, [creator]: 55 } };
  it('2, 4. removes somebody below oneself, with the kick level', () => {
    const room = { memberships: { [alice]: 'join', [bob]: 'join', [creator]: 'join' }, levels };
    expect(become('leave', room, '11', { of: bob })).not.toThrow();
    expect(become('leave', room, '11', { of: creator })).toThrow(refusal('below yours'));
    expect(become('leave', { ...room, levels: { ...levels, kick: 56 } }, '11', { of: bob })).toThrow(refusal('You need power level 56 to remove people'));
    expect(become('leave', { ...room, memberships: { [bob]: 'join' } }, '11', { of: bob })).toThrow(refusal('not in this room'));
  });

  it('3. lifts a ban with the ban level as well', () => {
    const room = { memberships: { [alice]: 'join', [bob]: 'ban' }, levels };
    expect(become('leave', room, '11', { of: bob })).toThrow(refusal('You need power level 60 to lift a ban'));
    expect(become('leave', { ...room, levels: { ...levels, ban: 55 } }, '11', { of: bob })).not.toThrow();
  });
});

describe('4.6 ban', () => {
  const levels = { users: { [alice]: 50, [creator]: 50 } };
  it('needs membership, the ban level, and somebody below oneself', () => {
    const room = { memberships: { [alice]: 'join', [creator]: 'join' }, levels };
    expect(become('ban', room, '11', { of: bob })).not.toThrow();
    expect(become('ban', room, '11', { of: creator })).toThrow(refusal('below yours'));
    expect(become('ban', { ...room, levels: { ...levels, ban: 51 } }, '11', { of: bob })).toThrow(refusal('You need power level 51 to ban people'));
    expect(become('ban', { levels }, '11', { of: bob })).toThrow(refusal('not in this room'));
  });

  it('cannot reach a creator in version 12', () => {
    const room = { memberships: { [alice]: 'join', [creator]: 'join' }, levels: { users: { [alice]: 2 ** 53 - 1 } } };
    expect(become('ban', room, '12', { of: creator })).toThrow(refusal('below yours'));
    expect(become('leave', room, '12', { of: creator })).toThrow(refusal('below yours'));
    expect(become('ban', room, '12', { by: creator, of: alice })).not.toThrow();
  });
});

describe('4.7 knock', () => {
  it('1. is for rooms that say so, from version 7 and (knock_restricted) 10 on', () => {
    for (const version of versions) {
      for (const [joinRule, first] of [['knock', 7], ['knock_restricted', 10]] as const) {
        if (Number(version) >= first) expect(become('knock', { joinRule }, version)).not.toThrow();
        else expect(become('knock', { joinRule }, version)).toThrow(refusal('knock'));
      }
      for (const joinRule of ['invite', 'restricted', 'public', undefined]) {
        expect(become('knock', joinRule === undefined ? {} : { joinRule }, version)).toThrow(refusal('knock'));
      }
    }
  });

  it('2, 3, 4. is for oneself, and for those who are neither in, invited nor banned', () => {
    const joinRule = 'knock';
    expect(become('knock', { joinRule }, '11', { of: bob })).toThrow(refusal('for somebody else'));
    for (const now of ['leave', 'knock']) expect(become('knock', { joinRule, memberships: { [alice]: now } })).not.toThrow();
    for (const [now, message] of [['ban', 'banned'], ['join', 'already'], ['invite', 'already']] as const) {
      expect(become('knock', { joinRule, memberships: { [alice]: now } })).toThrow(refusal(message));
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../matrix/schema.js';
import { createRoomViolations } from './create-room.js';
import { defaultEncryption, parseEncryption } from './encryption.js';
import { permitMessage, permitState } from './permit.js';
import { allowedRoomIds, stateViolations } from './state.js';
import { refuse } from './violation.js';

const MEGOLM = 'm.megolm.v1.aes-sha2';
const known = '!known:shard.example';
const rules = (type: string, content: JsonObject, encryption?: JsonObject) =>
  stateViolations(type, content, { knownRooms: new Set([known]), ...(encryption === undefined ? {} : { encryption }) }).map(({ rule, errcode }) => `${rule} ${errcode}`);

it('A1: no client asks for a public room', () => {
  expect(createRoomViolations({ preset: 'private_chat', visibility: 'private' })).toEqual([]);
  expect(createRoomViolations({ preset: 'public_chat' })).toMatchObject([{ rule: 'A1', errcode: 'M_FORBIDDEN', message: 'This server has no public rooms' }]);
  expect(createRoomViolations({ visibility: 'public' })).toMatchObject([{ rule: 'A1' }]);
});

describe('A2: a join rule', () => {
  it.each(['invite', 'knock', 'restricted', 'knock_restricted'])('may be %s', (join_rule) => {
    expect(rules('m.room.join_rules', { join_rule })).toEqual([]);
  });
  it.each(['public', 'private', 'Invite', '', null, 1, ['invite'], { join_rule: 'invite' }])('is never %j', (join_rule) => {
    expect(rules('m.room.join_rules', { join_rule })[0]).toBe('A2 M_FORBIDDEN');
  });
  it('is said', () => {
    expect(rules('m.room.join_rules', {})).toEqual(['A2 M_FORBIDDEN']);
  });
  it('is said once and without escapes, as the schema compares text', () => {
    expect(rules('m.room.join_rules', { join_rule: 'invite', more: { join_rule: 'public' } })).toEqual(['A2 M_BAD_JSON']);
    expect(rules('m.room.join_rules', { join_rule: 'invite', content: {} })).toEqual(['A2 M_BAD_JSON']);
    expect(rules('m.room.join_rules', { join_rule: 'invite', note: '\u0001' })).toEqual(['A2 M_BAD_JSON']);
    expect(rules('m.room.join_rules', { join_rule: 'invite', note: 'a "join_rule" in a text' })).toEqual([]);
  });
});

describe('A3: a restricted rule', () => {
  const allowing = (allow: JsonObject[string]) => rules('m.room.join_rules', { join_rule: 'restricted', ...(allow === undefined ? {} : { allow }) });

  it('names rooms of this shard', () => {
    expect(allowing([{ type: 'm.room_membership', room_id: known }])).toEqual([]);
    expect(allowing([])).toEqual([]);
    expect(allowing([{ type: 'm.room_membership', room_id: known }, { type: 'm.room_membership', room_id: '!other:other.example' }])).toEqual(['A3 M_FORBIDDEN']);
  });
  it('names nothing else', () => {
    expect(allowing([{ type: 'org.example.anybody' }])).toEqual(['A3 M_FORBIDDEN']);
    expect(allowing([{ type: 'm.room_membership' }])).toEqual(['A3 M_FORBIDDEN']);
    expect(allowing(['anybody'])).toEqual(['A3 M_FORBIDDEN']);
    expect(allowing('anybody')).toEqual(['A3 M_BAD_JSON']);
  });
  it('tells which rooms to look for, as far as it is well formed', () => {
    expect(allowedRoomIds({ allow: [{ room_id: '!a' }, 1, null, { room_id: 2 }] })).toEqual(['!a']);
    expect(allowedRoomIds({ allow: 'x' })).toEqual([]);
  });
});

describe('A4: history', () => {
  it.each(['shared', 'invited', 'joined'])('may be %s', (history_visibility) => {
    expect(rules('m.room.history_visibility', { history_visibility })).toEqual([]);
  });
  it.each(['world_readable', 'WORLD_READABLE', '', null, ['shared']])('is never %j', (history_visibility) => {
    expect(rules('m.room.history_visibility', { history_visibility })).toEqual(['A4 M_FORBIDDEN']);
  });
});

it('A5: guests are forbidden, in so many words', () => {
  expect(rules('m.room.guest_access', { guest_access: 'forbidden' })).toEqual([]);
  for (const guest_access of ['can_join', '', null]) expect(rules('m.room.guest_access', { guest_access })).toEqual(['A5 M_GUEST_ACCESS_FORBIDDEN']);
  expect(rules('m.room.guest_access', {})).toEqual(['A5 M_GUEST_ACCESS_FORBIDDEN']);
});

it('A13: no third party is invited', () => {
  expect(rules('m.room.third_party_invite', {})).toEqual(['A13 M_THREEPID_DENIED']);
  expect(rules('m.room.member', { membership: 'invite', third_party_invite: null })).toEqual(['A13 M_THREEPID_DENIED']);
  expect(createRoomViolations({ invite_3pid: [{}] })).toMatchObject([{ rule: 'A13', errcode: 'M_THREEPID_DENIED' }]);
  expect(createRoomViolations({ invite_3pid: [], preset: 'public_chat' })).toHaveLength(1);
  expect(createRoomViolations({ invite_3pid: [{}], preset: 'public_chat' })).toHaveLength(2);
});

describe('B1-B3: encryption', () => {
  it('is Megolm', () => {
    expect(rules('m.room.encryption', defaultEncryption)).toEqual([]);
    expect(rules('m.room.encryption', { algorithm: MEGOLM })).toEqual([]);
    for (const algorithm of ['none', '', null, [MEGOLM]]) expect(rules('m.room.encryption', { algorithm })).toEqual(['B1 M_FORBIDDEN']);
    expect(() => parseEncryption({ algorithm: 'none' })).toThrow(`Rooms on this server are encrypted with ${MEGOLM}`);
  });
  it('turns its keys over within 100 messages and a week', () => {
    expect(rules('m.room.encryption', { algorithm: MEGOLM, rotation_period_msgs: 100, rotation_period_ms: 604_800_000 })).toEqual([]);
    expect(rules('m.room.encryption', { algorithm: MEGOLM, rotation_period_msgs: 101 })).toEqual(['B3 M_FORBIDDEN']);
    expect(rules('m.room.encryption', { algorithm: MEGOLM, rotation_period_ms: 604_800_001 })).toEqual(['B3 M_FORBIDDEN']);
    for (const odd of [0, -1, 1.5, '100', null, true, Infinity, 2 ** 60]) expect(rules('m.room.encryption', { algorithm: MEGOLM, rotation_period_msgs: odd })).toEqual(['B3 M_BAD_JSON']);
  });
  it('never turns them over more slowly than before', () => {
    const before = { algorithm: MEGOLM, rotation_period_msgs: 50, rotation_period_ms: 1000 };
    expect(rules('m.room.encryption', { ...before, rotation_period_msgs: 49 }, before)).toEqual([]);
    expect(rules('m.room.encryption', { ...before, rotation_period_msgs: 51 }, before)).toEqual(['B2 M_FORBIDDEN']);
    // What is left out means the ceiling, which is slower than what was.
    expect(rules('m.room.encryption', { algorithm: MEGOLM }, before)).toEqual(['B2 M_FORBIDDEN']);
  });
});

it.each(['m.room.message', 'm.sticker', 'm.reaction', 'm.room.encrypted', 'm.room.redaction'])('B4: %s is no state', (type) => {
  expect(rules(type, { body: 'hello' })).toEqual(['B4 M_FORBIDDEN']);
});

describe('B8: free text', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['m.room.name', { name: 'é'.repeat(127) }, { name: 'é'.repeat(128) }],
    ['m.room.topic', { topic: 'x'.repeat(1024) }, { topic: 'x'.repeat(1025) }],
    ['m.room.topic', { 'm.topic': 'x'.repeat(4094) }, { 'm.topic': 'x'.repeat(4095) }],
    ['m.room.member', { membership: 'join', reason: 'x'.repeat(512) }, { membership: 'join', reason: 'x'.repeat(513) }],
    ['m.room.member', { displayname: 'x'.repeat(1024) }, { displayname: 'x'.repeat(1025) }],
  ])('of %s has its limit', (type, fits, tooLong) => {
    expect(rules(type, fits)).toEqual([]);
    expect(rules(type, tooLong)).toEqual(['B8 M_INVALID_PARAM']);
  });
  it('of any other state has 16 KiB, but power levels and server ACLs have the limit of events', () => {
    const long = { text: 'x'.repeat(16_384) };
    for (const type of ['org.example', 'm.room.name', 'm.room.join_rules', 'm.room.encryption', 'm.room.pinned_events']) {
      expect(rules(type, { join_rule: 'invite', algorithm: MEGOLM, ...long })).toContain('B8 M_TOO_LARGE');
    }
    for (const type of ['m.room.power_levels', 'm.room.server_acl']) expect(rules(type, long)).toEqual([]);
  });
});

it('tells every rule a draft breaks, and makes a draft of what breaks none', () => {
  const facts = { knownRooms: new Set<string>() };
  expect(() => permitState('m.room.join_rules', '', { join_rule: 'public', allow: 1, text: 'x'.repeat(20_000) }, facts))
    .toThrow('This server has no public rooms; The content of a state event has at most 16384 bytes');
  expect(permitState('m.room.name', '', { name: 'x' }, facts)).toMatchObject({ type: 'm.room.name', stateKey: '', content: { name: 'x' } });
  expect(() => permitMessage('m.room.message', {})).toThrow('every room is encrypted');
  expect(permitMessage('m.room.redaction', {}).stateKey).toBeUndefined();
  expect(() => { refuse([]); }).not.toThrow();
});

import { describe, it, expect } from '@jest/globals';
import { redact, redactContent } from './redaction.js';
import { roomVersion } from './room-versions.js';
import type { JsonObject } from './schema.js';

const versions = ['6', '7', '8', '9', '10', '11', '12'];

const everything: JsonObject = {
  event_id: '$e', type: 'm.room.message', room_id: '!r:s', sender: '@a:s', state_key: '', content: { body: 'x' }, hashes: { sha256: 'h' },
  signatures: { s: {} }, depth: 3, prev_events: ['$p'], prev_state: [], auth_events: ['$a'], origin: 's', origin_server_ts: 1,
  membership: 'join', redacts: '$x', unsigned: { age: 1 }, extra: true,
};
const protectedNames = ['auth_events', 'content', 'depth', 'event_id', 'hashes', 'origin_server_ts', 'prev_events', 'room_id', 'sender', 'signatures', 'state_key', 'type'];

describe('redaction', () => {
  it.each(['6', '7', '8', '9', '10'])('keeps the listed members in version %s, the old origin, membership and prev_state among them', (name) => {
    expect(Object.keys(redact(everything, roomVersion(name))).sort()).toEqual([...protectedNames, 'membership', 'origin', 'prev_state'].sort());
  });

  it.each(['11', '12'])('keeps the listed members in version %s', (name) => {
    expect(Object.keys(redact(everything, roomVersion(name))).sort()).toEqual(protectedNames);
  });

  it('strips the content of every other type, and leaves the original as it was', () => {
    expect(redact(everything, roomVersion('11'))['content']).toEqual({});
    expect(everything['content']).toEqual({ body: 'x' });
  });

  // One row for each type: its full content, and what each version from 6 to 12 keeps of it.
  const member = { membership: 'join', displayname: 'A', join_authorised_via_users_server: '@b:s', third_party_invite: { display_name: 'x', signed: { token: 't' } } };
  const create = { creator: '@a:s', room_version: '11', 'm.federate': false };
  const joinRules = { join_rule: 'restricted', allow: [], other: 1 };
  const levels = { ban: 1, events: {}, events_default: 2, kick: 3, redact: 4, state_default: 5, users: {}, users_default: 6 };
  const memberOnly = { membership: 'join' };
  const memberWithUser = { ...memberOnly, join_authorised_via_users_server: '@b:s' };
  const memberWithSigned = { ...memberWithUser, third_party_invite: { signed: { token: 't' } } };
  const joinRuleOnly = { join_rule: 'restricted' };
  const joinRuleWithAllow = { ...joinRuleOnly, allow: [] };
  const creatorOnly = { creator: '@a:s' };
  const table: readonly (readonly [type: string, content: JsonObject, kept: readonly JsonObject[]])[] = [
    ['m.room.member', member, [memberOnly, memberOnly, memberOnly, memberWithUser, memberWithUser, memberWithSigned, memberWithSigned]],
    ['m.room.create', create, [creatorOnly, creatorOnly, creatorOnly, creatorOnly, creatorOnly, create, create]],
    ['m.room.join_rules', joinRules, [joinRuleOnly, joinRuleOnly, ...Array<JsonObject>(5).fill(joinRuleWithAllow)]],
    ['m.room.power_levels', { ...levels, invite: 7, notifications: {} }, [...Array<JsonObject>(5).fill(levels), { ...levels, invite: 7 }, { ...levels, invite: 7 }]],
    ['m.room.history_visibility', { history_visibility: 'shared', x: 1 }, Array<JsonObject>(7).fill({ history_visibility: 'shared' })],
    ['m.room.redaction', { redacts: '$x', reason: 'y' }, [...Array<JsonObject>(5).fill({}), { redacts: '$x' }, { redacts: '$x' }]],
    ['m.room.aliases', { aliases: ['#a:s'] }, Array<JsonObject>(7).fill({})],
    ['m.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }, Array<JsonObject>(7).fill({})],
    ['__proto__', { a: 1 }, Array<JsonObject>(7).fill({})],
  ];
  it.each(table)('keeps of %s what each version lists', (type, content, kept) => {
    versions.forEach((name, i) => { expect(redactContent(type, content, roomVersion(name))).toEqual(kept[i]); });
  });

  it('keeps only signed of a third party invite, and nothing of one that is no object', () => {
    expect(redactContent('m.room.member', { third_party_invite: { display_name: 'x' } }, roomVersion('11'))).toEqual({ third_party_invite: {} });
    expect(redactContent('m.room.member', { third_party_invite: 'x' }, roomVersion('11'))).toEqual({});
  });

  it('redacts once and for all', () => {
    for (const name of versions) {
      const once = redact({ ...everything, type: 'm.room.member', content: member }, roomVersion(name));
      expect(redact(once, roomVersion(name))).toEqual(once);
    }
  });
});

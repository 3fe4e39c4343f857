import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { authorise } from './event-auth.js';
import { parseEventId, parseRoomId, parseUserId } from './identifiers.js';
import { roomVersion } from './room-versions.js';
import type { JsonObject } from './schema.js';

const versions = ['6', '7', '8', '9', '10', '11', '12'];
const creator = parseUserId('@creator:s');
const alice = parseUserId('@alice:s');
const bob = parseUserId('@bob:s');

/** Alice, a member, changes the levels from `current` to `content`. */
const change = (current: JsonObject | undefined, content: JsonObject, version = '11', sender = alice) => () =>
  authorise(
    { type: 'm.room.power_levels', state_key: '', sender, room_id: parseRoomId('!c'), prev_events: [parseEventId('$p')], content },
    (type) => {
      const contents: Readonly<Record<string, JsonObject | undefined>> = {
        'm.room.create': { creator, additional_creators: [bob] }, 'm.room.member': { membership: 'join' }, 'm.room.power_levels': current,
      };
      return contents[type] && { sender: creator, content: contents[type], eventId: parseEventId('$c') };
    },
    roomVersion(version),
  );
const refusal = (message: string) => expect.objectContaining({ errcode: 'M_FORBIDDEN', message: expect.stringContaining(message) });

const users = { [alice]: 50 };

describe('9. m.room.power_levels', () => {
  it.each(['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'])('1. takes integers only for %s, strings up to version 9', (name) => {
    for (const version of versions) {
      expect(change({ users }, { users, [name]: 7 }, version)).not.toThrow();
      const stringy = change({ users }, { users, [name]: '7' }, version);
      if (Number(version) < 10) expect(stringy).not.toThrow();
      else expect(stringy).toThrow(refusal('integer'));
      for (const wrong of ['x', null, {}, true]) expect(change({ users }, { users, [name]: wrong }, version)).toThrow(refusal('integer'));
    }
  });

  it.each(['events', 'notifications'])('2. takes an object of integers for %s', (name) => {
    for (const wrong of [1, null, [], { x: 'y' }, { x: null }]) expect(change({ users }, { users, [name]: wrong })).toThrow(refusal('integers'));
    expect(change({ users }, { users, [name]: { x: '1' } }, '9')).not.toThrow();
    expect(change({ users }, { users, [name]: { x: '1' } }, '10')).toThrow(refusal('integers'));
  });

  it('3. takes an object of integers under user ids for users', () => {
    for (const version of versions) {
      for (const wrong of [1, null, [], { alice: 1 }, { [alice]: 'x' }, { '@x': 1 }]) expect(change({ users }, { users: wrong }, version)).toThrow(refusal('user ids'));
    }
  });

  it('4 (version 12). gives creators no level', () => {
    for (const userId of [creator, bob]) {
      expect(change(undefined, { users: { [userId]: 1 } }, '12', creator)).toThrow(refusal('creators'));
      expect(change(undefined, { users: { [userId]: 1 } }, '11', creator)).not.toThrow();
    }
  });

  it('4. allows the first levels of a room', () => {
    for (const version of versions) expect(change(undefined, { users: { [alice]: 1000 }, ban: 1000 }, version, creator)).not.toThrow();
  });

  it('5. refuses a single level that is, or becomes, above the sender\'s', () => {
    expect(change({ users, ban: 51 }, { users, ban: 50 })).toThrow(refusal('power level of ban'));
    expect(change({ users, ban: 51 }, { users })).toThrow(refusal('power level of ban'));
    expect(change({ users, ban: 50 }, { users, ban: 51 })).toThrow(refusal('power level of ban'));
    expect(change({ users }, { users, ban: 51 })).toThrow(refusal('power level of ban'));
    expect(change({ users, ban: 50 }, { users, ban: 0 })).not.toThrow();
    expect(change({ users, ban: 51 }, { users, ban: 51, kick: 1 })).not.toThrow();
  });

  it.each(['events', 'notifications'])('6, 7. refuses an entry of %s that is, or becomes, above the sender\'s', (name) => {
    const of = (levels: JsonObject) => ({ users, [name]: levels });
    expect(change(of({ x: 51 }), of({ x: 1 }))).toThrow(refusal('power level of x'));
    expect(change(of({ x: 51 }), { users })).toThrow(refusal('power level of x'));
    expect(change(of({}), of({ x: 51 }))).toThrow(refusal('power level of x'));
    expect(change(of({ x: 50 }), of({ x: 51 }))).toThrow(refusal('power level of x'));
    expect(change(of({ x: 51, y: 50 }), of({ x: 51, y: 1, z: 50 }))).not.toThrow();
  });

  it('8. refuses to change or remove the level of a peer, but not one\'s own', () => {
    const both = { ...users, [bob]: 50 };
    expect(change({ users: both }, { users: { ...both, [bob]: 1 } })).toThrow(refusal('below yours'));
    expect(change({ users: both }, { users })).toThrow(refusal('below yours'));
    expect(change({ users: both }, { users: { [bob]: 50 } })).not.toThrow();
    expect(change({ users: both }, { users: { ...both, [alice]: 1 } })).not.toThrow();
    expect(change({ users: { ...users, [bob]: 49 } }, { users })).not.toThrow();
  });

  it('9. gives nobody more than the sender has', () => {
    expect(change({ users }, { users: { ...users, [bob]: 51 } })).toThrow(refusal('above your own'));
    expect(change({ users }, { users: { [alice]: 51 } })).toThrow(refusal('above your own'));
    expect(change({ users }, { users: { ...users, [bob]: 50 } })).not.toThrow();
  });

  it('compares the old strings by what they mean', () => {
    expect(change({ users: { [alice]: ' 50' }, ban: '0100' }, { users: { [alice]: 50 }, ban: 100 }, '9')).not.toThrow();
    expect(change({ users: { [alice]: '50' } }, { users: { [alice]: '50', [bob]: '100' } }, '9')).toThrow(refusal('above your own'));
  });

  it('lets a creator of version 12 change everything', () => {
    expect(change({ ban: 1000, users: { [alice]: 1000 } }, { users: {} }, '12', creator)).not.toThrow();
  });

  it('never lets anybody raise anything above themselves, whatever they write', () => {
    const level = fc.integer({ min: 0, max: 120 });
    const content = fc.record({ users: fc.record({ [alice]: fc.constant(50), [bob]: level }), ban: level, events: fc.dictionary(fc.constantFrom('x', '__proto__'), level) });
    fc.assert(fc.property(content, content, (current, wanted) => {
      const raised = [wanted.ban !== current.ban && wanted.ban > 50, wanted.users[bob] !== current.users[bob] && (wanted.users[bob] ?? 0) > 50,
        ...['x', '__proto__'].map((name) => Object.hasOwn(wanted.events, name) && wanted.events[name] !== own(current.events, name) && (wanted.events[name] ?? 0) > 50)];
      if (raised.includes(true)) expect(change(current, wanted)).toThrow(refusal('power level'));
    }));
  });
});

function own(levels: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(levels, name) ? levels[name] : undefined;
}

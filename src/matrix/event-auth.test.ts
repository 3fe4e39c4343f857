import { describe, it, expect } from '@jest/globals';
import { authEventsFor, authorise, checkAuthEvents, type AuthState, type EventToAuthorise } from './event-auth.js';
import { parseEventId, parseRoomId, parseUserId } from './identifiers.js';
import { roomVersion } from './room-versions.js';
import type { JsonObject } from './schema.js';

const versions = ['6', '7', '8', '9', '10', '11', '12'];
const creator = parseUserId('@creator:s');
const alice = parseUserId('@alice:s');
const bob = parseUserId('@bob:s');
const far = parseUserId('@far:elsewhere');
const createId = parseEventId('$createhash');

/** The state of a room: type -> state key -> content; the create event is there by itself. */
type Room = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
const stateOf = (room: Room): AuthState => {
  const all: Room = { 'm.room.create': { '': { creator } }, ...room };
  return (type, stateKey) => {
    const content = all[type]?.[stateKey];
    return content && { sender: creator, content, eventId: type === 'm.room.create' ? createId : parseEventId('$other') };
  };
};
const members = (memberships: Readonly<Record<string, string>>) => ({
  'm.room.member': Object.fromEntries(Object.entries(memberships).map(([userId, membership]) => [userId, { membership }])),
});
const levels = (content: JsonObject) => ({ 'm.room.power_levels': { '': content } });

type Draft = Partial<EventToAuthorise>;
const event = (draft: Draft): EventToAuthorise => ({
  type: 'm.room.encrypted', sender: alice, room_id: parseRoomId('!createhash'), content: {}, prev_events: [parseEventId('$previous')], ...draft,
});
const judge = (draft: Draft, room: Room, version = '11') => () => authorise(event(draft), stateOf(room), roomVersion(version));
const refusal = (message: string | RegExp) => expect.objectContaining({ errcode: 'M_FORBIDDEN', message: expect.stringMatching(message) });

describe('1. m.room.create', () => {
  const create = (content: JsonObject, version: string, draft: Draft = {}) => () => {
    const { room_id: roomId, ...rest } = event({ type: 'm.room.create', state_key: '', content, prev_events: [], room_id: parseRoomId('!r:s'), ...draft });
    return authorise(version === '12' || roomId === undefined ? rest : { ...rest, room_id: roomId }, () => undefined, roomVersion(version));
  };

  it.each(versions)('is allowed in version %s', (version) => {
    expect(create({ creator: alice, room_version: version }, version)).not.toThrow();
  });

  it.each(versions)('1.1 may have no prev_events in version %s', (version) => {
    expect(create({ creator: alice }, version, { prev_events: [createId] })).toThrow(refusal('begin'));
  });

  it('1.2 must be of the room\'s server up to version 11, and have no room_id in version 12', () => {
    expect(create({}, '11', { room_id: parseRoomId('!r:elsewhere') })).toThrow(refusal('server name'));
    expect(judge({ type: 'm.room.create', prev_events: [] }, {}, '12')).toThrow(refusal('no room id'));
  });

  it('1.3 must be of a known version', () => {
    for (const room_version of ['99', 11, null]) expect(create({ creator: alice, room_version }, '11')).toThrow(refusal('version'));
  });

  it('1.4 must name the creator up to version 10', () => {
    for (const version of versions) {
      const bare = create({}, version);
      if (Number(version) <= 10) expect(bare).toThrow(refusal('creator'));
      else expect(bare).not.toThrow();
    }
  });

  it('1.4 lists user ids as additional creators in version 12', () => {
    expect(create({ additional_creators: [bob] }, '12')).not.toThrow();
    for (const wrong of [bob, null, [1], ['bob'], [bob, null], {}]) expect(create({ additional_creators: wrong }, '12')).toThrow(refusal('user ids'));
    expect(create({ additional_creators: 'x' }, '11')).not.toThrow();
  });
});

describe('2. the choice of auth events', () => {
  const of = (draft: Draft, version = '11') => authEventsFor(event(draft), roomVersion(version));
  const [create, power, join, own] = [['m.room.create', ''], ['m.room.power_levels', ''], ['m.room.join_rules', ''], ['m.room.member', alice]];

  it('is none for the create event', () => {
    expect(of({ type: 'm.room.create' })).toEqual([]);
  });

  it('is create, levels and the sender for a message; without create in version 12', () => {
    expect(of({})).toEqual([create, power, own]);
    expect(of({}, '12')).toEqual([power, own]);
  });

  it.each([['join', true], ['invite', true], ['knock', true], ['leave', false], ['ban', false]])('adds the target for %s, and the join rules: %s', (membership, hasRules) => {
    expect(of({ type: 'm.room.member', state_key: bob, content: { membership } })).toEqual([create, power, ...(hasRules ? [join] : []), own, ['m.room.member', bob]]);
    expect(of({ type: 'm.room.member', state_key: alice, content: { membership } })).toEqual([create, power, ...(hasRules ? [join] : []), own]);
  });

  it('adds whoever authorised a restricted join, from version 8 on', () => {
    const draft = { type: 'm.room.member', state_key: alice, content: { membership: 'join', join_authorised_via_users_server: bob } };
    expect(of(draft, '7')).toEqual([create, power, join, own]);
    expect(of(draft, '8')).toEqual([create, power, join, own, ['m.room.member', bob]]);
  });

  const named = (type: string, stateKey = '', rest = {}) => ({ type, stateKey, roomId: '!createhash', isRejected: false, ...rest });
  const good = [named('m.room.create'), named('m.room.power_levels'), named('m.room.member', alice)];
  it('is checked', () => {
    const check = (authEvents: Parameters<typeof checkAuthEvents>[1], version = '11') => () => { checkAuthEvents(event({}), authEvents, roomVersion(version)); };
    expect(check(good)).not.toThrow();
    expect(check([...good, named('m.room.create')])).toThrow(refusal('two')); // 2.1
    expect(check([...good, named('m.room.name')])).toThrow(refusal('cannot allow')); // 2.2
    expect(check([named('m.room.create', '', { isRejected: true })])).toThrow(refusal('rejected')); // 2.3
    expect(check(good.slice(1))).toThrow(refusal('create event')); // 2.4
    expect(check([named('m.room.create', '', { roomId: '!x' })])).toThrow(refusal('another room')); // 2.5
    expect(check(good, '12')).toThrow(refusal('cannot allow'));
    expect(check(good.slice(1), '12')).not.toThrow();
  });
});

describe('events of a room', () => {
  it('needs a room', () => {
    expect(() => authorise(event({}), () => undefined, roomVersion('11'))).toThrow(refusal('No such room'));
  });

  it('2 (version 12) must be of the room the create event founds', () => {
    expect(judge({}, members({ [alice]: 'join' }), '12')).not.toThrow();
    expect(judge({ room_id: parseRoomId('!else') }, members({ [alice]: 'join' }), '12')).toThrow(refusal('this room'));
  });

  it.each(versions)('3 keeps people of other servers out of an unfederated room of version %s', (version) => {
    const room = { 'm.room.create': { '': { creator, 'm.federate': false } }, ...members({ [alice]: 'join', [far]: 'join' }) };
    expect(judge({}, room, version)).not.toThrow();
    expect(judge({ sender: far }, room, version)).toThrow(refusal('other servers'));
  });

  it.each([undefined, 'invite', 'leave', 'ban', 'knock', 'nonsense'])('5 refuses whoever is %s', (membership) => {
    const room = membership === undefined ? {} : members({ [alice]: membership });
    for (const version of versions) expect(judge({}, room, version)).toThrow(refusal('You are not in this room'));
  });

  it('6 refuses third-party invites', () => {
    expect(judge({ type: 'm.room.third_party_invite', state_key: 't', sender: creator }, members({ [creator]: 'join' }))).toThrow(refusal('third-party'));
  });

  it('7 asks for the level of the event', () => {
    const room = { ...members({ [alice]: 'join' }), ...levels({ users: { [alice]: 49 }, events: { 'm.reaction': 60 } }) };
    expect(judge({}, room)).not.toThrow();
    expect(judge({ type: 'm.room.name', state_key: '' }, room)).toThrow(refusal('^You need power level 50 to change m.room.name$'));
    expect(judge({ type: 'm.reaction' }, room)).toThrow(refusal('^You need power level 60 to send m.reaction$'));
  });

  it('8 keeps state keys that are user ids to those users', () => {
    const room = { ...members({ [creator]: 'join' }) };
    expect(judge({ type: 'x', sender: creator, state_key: creator }, room)).not.toThrow();
    expect(judge({ type: 'x', sender: creator, state_key: '@' }, room)).toThrow(refusal('Only the person'));
    expect(judge({ type: 'x', sender: creator, state_key: bob }, room, '12')).toThrow(refusal('Only the person'));
  });

  it('10 allows the rest, and gives back the event itself', () => {
    const allowed = event({});
    expect(authorise(allowed, stateOf(members({ [alice]: 'join' })), roomVersion('11'))).toBe(allowed);
  });

  it('lets the creators of version 12 do what nobody else may', () => {
    const room = { ...members({ [creator]: 'join', [alice]: 'join' }), ...levels({ state_default: 1000, users: { [alice]: 999 } }) };
    expect(judge({ type: 'x', sender: creator, state_key: '' }, room, '12')).not.toThrow();
    expect(judge({ type: 'x', sender: alice, state_key: '' }, room, '12')).toThrow(refusal('1000'));
  });
});

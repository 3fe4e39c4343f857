import { describe, it, expect } from '@jest/globals';
import { creatorsOf, parseLevel, parsePowerLevels } from './power-levels.js';
import { roomVersion } from './room-versions.js';
import type { JsonObject } from './schema.js';

const create = { sender: '@creator:s', content: { creator: '@creator:s' } };
const levelsOf = (content: JsonObject | undefined, version = '11') => parsePowerLevels(content, create, roomVersion(version));

describe('power levels', () => {
  it.each(['6', '10', '11'])('gives the creator 100 and everybody else 0 without an event in version %s', (version) => {
    const levels = levelsOf(undefined, version);
    expect(levels.userLevel('@creator:s')).toBe(100);
    expect(levels.userLevel('@other:s')).toBe(0);
  });

  it.each([undefined, {}])('defaults as the specification says with %j', (content) => {
    const levels = levelsOf(content);
    expect([levels.invite, levels.kick, levels.ban, levels.redact]).toEqual([0, 50, 50, 50]);
    expect([levels.eventLevel('m.room.name', true), levels.eventLevel('m.room.encrypted', false), levels.notificationLevel('room')]).toEqual([50, 0, 50]);
  });

  it('gives the creator nothing once there is an event', () => {
    expect(levelsOf({}).userLevel('@creator:s')).toBe(0);
  });

  it('reads users, events and notifications before their defaults', () => {
    const levels = levelsOf({
      users: { '@a:s': 75 }, users_default: 5, events: { 'm.room.name': 30, 'm.reaction': 7 }, state_default: 60, events_default: 1,
      notifications: { room: 20 }, invite: 2, kick: 3, ban: 4, redact: 6,
    });
    expect([levels.userLevel('@a:s'), levels.userLevel('@b:s')]).toEqual([75, 5]);
    expect([levels.eventLevel('m.room.name', true), levels.eventLevel('m.room.topic', true)]).toEqual([30, 60]);
    expect([levels.eventLevel('m.reaction', false), levels.eventLevel('m.room.encrypted', false)]).toEqual([7, 1]);
    expect([levels.notificationLevel('room'), levels.notificationLevel('other')]).toEqual([20, 50]);
    expect([levels.invite, levels.kick, levels.ban, levels.redact]).toEqual([2, 3, 4, 6]);
  });

  it('puts the creators of version 12 above every level, with an event or without', () => {
    const several = { sender: '@creator:s', content: { additional_creators: ['@second:s'] } };
    for (const content of [undefined, { users: { '@creator:s': 1 } }]) {
      const levels = parsePowerLevels(content, several, roomVersion('12'));
      expect([levels.userLevel('@creator:s'), levels.userLevel('@second:s'), levels.userLevel('@other:s')]).toEqual([Infinity, Infinity, 0]);
    }
  });

  it('does not take names of Object.prototype for levels', () => {
    const levels = levelsOf({ users: {}, events: {} });
    for (const name of ['__proto__', 'constructor', 'valueOf']) expect([levels.userLevel(name), levels.eventLevel(name, true)]).toEqual([0, 50]);
  });

  // https://spec.matrix.org/v1.19/rooms/v9/#mroompower_levels-events-accept-values-as-strings
  it.each([['100', 100], ['000100', 100], ['+100', 100], ['-100', -100], [' 100 ', 100], [' 00100 ', 100], [' +100 ', 100], [' -100 ', -100]])(
    'reads %j up to version 9 and not from 10 on',
    (text, level) => {
      expect(parseLevel(text, roomVersion('9'))).toBe(level);
      expect(parseLevel(text, roomVersion('10'))).toBeUndefined();
    },
  );

  it.each(['', ' ', '1.5', '1e3', '0x10', '- 1', '99999999999999999999', 1.5, true, null, [1], {}])('never reads %j', (value) => {
    for (const version of ['6', '12']) expect(parseLevel(value, roomVersion(version))).toBeUndefined();
  });

  it('finds the creator where each version has it', () => {
    const both = { sender: '@sender:s', content: { creator: '@content:s', additional_creators: ['@more:s'] } };
    expect(creatorsOf(both, roomVersion('10'))).toEqual(['@content:s']);
    expect(creatorsOf(both, roomVersion('11'))).toEqual(['@sender:s']);
    expect(creatorsOf(both, roomVersion('12'))).toEqual(['@sender:s', '@more:s']);
  });
});

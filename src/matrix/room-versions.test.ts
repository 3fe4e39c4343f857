import { describe, it, expect } from '@jest/globals';
import { creatableVersions, isRoomVersion, roomVersion } from './room-versions.js';

describe('room versions', () => {
  it('lets clients create 10, 11 and 12', () => {
    expect(creatableVersions).toEqual(['10', '11', '12']);
  });

  it('knows 6 to 9 without letting clients create them', () => {
    for (const name of ['6', '7', '8', '9']) expect(roomVersion(name)).toMatchObject({ name, creatable: false });
  });

  it.each(['1', '5', '13', '', '06', 'org.matrix.msc3757.10', '__proto__'])('refuses %j', (name) => {
    expect(() => roomVersion(name)).toThrow(expect.objectContaining({ errcode: 'M_UNSUPPORTED_ROOM_VERSION' }));
    expect(isRoomVersion(name)).toBe(false);
  });

  // https://spec.matrix.org/v1.19/rooms/#feature-matrix
  it.each([
    ['knock', '7'],
    ['restricted', '8'],
    ['redactionKeepsAuthorisingUser', '9'],
    ['knockRestricted', '10'],
    ['integerPowerLevelsOnly', '10'],
    ['creatorIsSender', '11'],
    ['revisedRedaction', '11'],
    ['redactsInContent', '11'],
    ['roomIdIsCreateHash', '12'],
    ['privilegedCreators', '12'],
  ] as const)('has %s from version %s on', (feature, first) => {
    for (let name = 6; name <= 12; name += 1) expect(roomVersion(String(name))[feature]).toBe(name >= Number(first));
  });
});

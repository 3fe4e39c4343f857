import { expect, it } from '@jest/globals';
import { joinRoom, setState } from './rooms.js';
import { ruleFor } from './rules.js';
import { read, sendMessage } from './messages.js';

it('reads the names in a path, in every version of the API', () => {
  expect(ruleFor('PUT', '/_matrix/client/v3/rooms/%21a%3Ahs1/send/m.room.message/1')).toEqual({ handler: sendMessage, params: { roomId: '!a:hs1', eventType: 'm.room.message', txnId: '1' } });
  expect(ruleFor('POST', '/_matrix/client/r0/join/%23a%3Ahs1')).toEqual({ handler: joinRoom, params: { room: '#a:hs1' } });
  expect(ruleFor('PUT', '/_matrix/client/v3/rooms/!a:b.c/state/m.room.name/')).toEqual({ handler: setState, params: { roomId: '!a:b.c', eventType: 'm.room.name', stateKey: '' } });
  expect(ruleFor('POST', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync')).toEqual({ handler: read, params: {} });
});

it.each([
  ['GET', '/_matrix/client/v3/rooms/!a/send/m.room.message/1'], ['PUT', '/_matrix/client/v3/rooms/!a/send/m.room.message'], ['POST', '/_matrix/client/v3/login'],
  ['PUT', '/_matrix/federation/v1/send/1'], ['PUT', '/_matrix/client/v3/rooms/%zz/send/m.room.message/1'], ['GET', '/'],
])('has no rule for %s %s', (method, path) => {
  expect(ruleFor(method, path)).toBeUndefined();
});

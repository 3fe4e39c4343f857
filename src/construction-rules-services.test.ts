import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { attempt, bypasses, furnish, rowsIn, type Scene } from './construction-rules.testing.js';
import { configOf, newHome, start, type Home, type Person, type TestServer } from './server.testing.js';

const AS_TOKEN = 'the-token-of-a-service-of-the-tests';
const registration = {
  id: 'service', url: null, as_token: AS_TOKEN, hs_token: 'another-token-of-a-service', sender_localpart: 'service', rate_limited: false,
  namespaces: { users: [{ regex: '@_service_.*', exclusive: true }], aliases: [{ regex: '#sealed', exclusive: true }] },
};

/** The same server as an application service meets it: who registers is a user of the service, and who asks is one by its token. */
function asService(server: TestServer, more: string): TestServer {
  const call: TestServer['call'] = (method, path, token, body) => {
    if (token === undefined) return server.call(method, path, token, body);
    return server.call(method, `${path}${path.includes('?') ? '&' : '?'}user_id=${encodeURIComponent(token)}${more}`, AS_TOKEN, body);
  };
  const register = async (name: string): Promise<Person> => {
    const { body } = await server.call('POST', '/_matrix/client/v3/register', AS_TOKEN, { type: 'm.login.application_service', username: `_service_${name}`, inhibit_login: true });
    const userId = String(body['user_id']);
    return { userId, token: userId, deviceId: '' };
  };
  return { ...server, call, register };
}

describe.each([['', 'now'], ['&ts=1', 'in 1970']])('B14: a running server refuses an application service all that it refuses people (%s)', (more) => {
  let home: Home;
  let server: TestServer;
  let service: TestServer;
  let scene: Scene;

  beforeAll(async () => {
    home = newHome();
    writeFileSync(join(home.folder, 'service.yaml'), JSON.stringify(registration));
    server = await start(configOf(home, { app_service_config_files: ['service.yaml'] }));
    service = asService(server, more);
    scene = await furnish(service);
  });
  afterAll(async () => {
    await server.close();
    home.remove();
  });

  it('it acts in a room, which these are tried on', async () => {
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(scene.roomId)}/state/m.room.topic/`;
    expect((await service.call('PUT', path, scene.member.token, { topic: 'x' })).status).toBe(200);
    expect((await service.call('GET', path, scene.stranger.token)).status).toBe(403);
  });

  it.each(bypasses.map((bypass) => [bypass.rule, bypass.what, bypass] as const))('%s: %s', async (_, __, bypass) => {
    const before = rowsIn(home);
    expect(await attempt(service, scene, bypass)).toEqual({ status: bypass.status, errcode: bypass.errcode });
    expect(rowsIn(home)).toEqual(before);
  });

  it('to act for a person, or to see their rooms', async () => {
    const alice = await server.register('alice');
    const { body } = await server.call('POST', '/_matrix/client/v3/createRoom', alice.token, {});
    const before = rowsIn(home);
    const messages = `/_matrix/client/v3/rooms/${encodeURIComponent(String(body['room_id']))}/messages?dir=b`;
    expect(await service.call('GET', messages, alice.userId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(await service.call('GET', messages, scene.member.token)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect(rowsIn(home)).toEqual(before);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { attempt, bypasses, furnish, rowsIn, shortList, type Scene } from './construction-rules.testing.js';
import { configOf, newHome, start, type Home, type TestServer } from './server.testing.js';

describe('a running server refuses', () => {
  let home: Home;
  let server: TestServer;
  let scene: Scene;

  beforeAll(async () => {
    home = newHome();
    server = await start(configOf(home));
    scene = await furnish(server);
  });
  afterAll(async () => {
    await server.close();
    home.remove();
  });

  it.each(bypasses.map((bypass) => [bypass.rule, bypass.what, bypass] as const))('%s: %s', async (_, __, bypass) => {
    const before = rowsIn(home);
    expect(await attempt(server, scene, bypass)).toEqual({ status: bypass.status, errcode: bypass.errcode });
    expect(rowsIn(home)).toEqual(before);
  });

  it('A5: guests even where a client asks for them in every private room', async () => {
    const initial_state = [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }];
    const { body } = await server.call('POST', '/_matrix/client/v3/createRoom', scene.member.token, { initial_state });
    const { text } = (await server.call('GET', `/_matrix/client/v3/rooms/${String(body['room_id'])}/state`, scene.member.token)).body;
    expect(text).not.toContain('can_join');
    expect(text).toContain('m.megolm.v1.aes-sha2');
  });

  it('B14: to take one person for another, or today for yesterday, as application services ask for', async () => {
    const { member, stranger, roomId } = scene;
    const state = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.topic/`;
    const { body } = await server.call('PUT', `${state}?user_id=${encodeURIComponent(stranger.userId)}&ts=1`, member.token, { topic: 'x' });
    const event = await server.call('GET', `${state}?format=event`, member.token);
    expect(event.body).toMatchObject({ event_id: body['event_id'], sender: member.userId });
    expect(event.body['origin_server_ts']).toBeGreaterThan(1e12);
    expect((await server.call('GET', `${state}?user_id=${encodeURIComponent(member.userId)}`, stranger.token)).status).toBe(403);
  });

  it('what it refuses under r0 too', async () => {
    for (const bypass of shortList) {
      const old = { ...bypass, path: (at: Scene) => bypass.path(at).replace('/client/v3/', '/client/r0/') };
      expect([bypass.what, await attempt(server, scene, old)]).toEqual([bypass.what, { status: bypass.status, errcode: bypass.errcode }]);
    }
  });
});

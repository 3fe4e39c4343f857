import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { attempt, bypasses, furnish, sealedContent, type Scene } from './construction-rules.testing.js';
import { configOf, newHome, start, type Home, type TestServer } from './server.testing.js';

const client = '/_matrix/client/v3';
const SPOKEN = 'xylophone';

let home: Home;
let server: TestServer;
let scene: Scene;
let log = '';
beforeAll(async () => {
  home = newHome();
  const sink = new Writable({ write: (chunk: Buffer, _, done) => { log += chunk.toString(); done(); } });
  server = await start(configOf(home), pino({ level: 'trace' }, sink));
  scene = await furnish(server);
});
afterAll(async () => {
  await server.close();
  home.remove();
});

it('B15: the log names routes, and nobody and nothing that was asked for', async () => {
  const { member, stranger, roomId, encryptionId } = scene;
  for (const bypass of bypasses) await attempt(server, scene, bypass);
  const room = `${client}/rooms/${encodeURIComponent(roomId)}`;
  const eventId = String((await server.call('PUT', `${room}/send/m.room.encrypted/${SPOKEN}`, member.token, sealedContent)).body['event_id']);
  await askedInAllWays(room, eventId);
  expect(log).toContain('/v3/rooms/:roomId/send/:eventType/:txnId');
  const secrets = [
    member.userId, stranger.userId, 'alice', 'mallory', roomId, roomId.slice(1).split(':')[0] ?? '', encryptionId.slice(1), eventId.slice(1),
    member.token, stranger.token, member.deviceId, stranger.deviceId, 'Sealed', 'sealed:shard', SPOKEN, 'hello', 'correct horse', sealedContent.ciphertext,
  ];
  const leaks = secrets.filter((secret) => log.includes(secret) || log.includes(encodeURIComponent(secret)));
  expect(leaks.flatMap((secret) => log.split('\n').filter((line) => line.includes(secret)).map((line) => `${secret} in ${line}`))).toEqual([]);
});

/** The same word where a request has room for one: path, query, header, body; well formed and not. */
async function askedInAllWays(room: string, eventId: string): Promise<void> {
  const { token } = scene.member;
  const gets = [
    `${room}/event/${encodeURIComponent(eventId)}`, `${room}/context/$${SPOKEN}`, `${room}/messages?dir=b&filter=${SPOKEN}`, `${room}/messages?dir=b&from=${SPOKEN}`,
    `${client}/sync?filter={"${SPOKEN}`, `${client}/sync?since=${SPOKEN}`, `${client}/profile/@${SPOKEN}:shard.example`, `${client}/directory/room/%23${SPOKEN}:shard.example`,
    `${client}/${SPOKEN}`, `/${SPOKEN}/%`, `${client}/rooms/${SPOKEN}%ff/state`, `${client}/user/${scene.member.userId}/account_data/${SPOKEN}`,
  ];
  for (const path of gets) await server.call('GET', path, token);
  for (const body of [`{"search_term": ${SPOKEN}`, `{"search_term":"${SPOKEN}","limit":"${SPOKEN}"}`, `{"${SPOKEN}":1,"${SPOKEN}":2}`, { search_term: SPOKEN }]) {
    await server.call('POST', `${client}/user_directory/search`, token, body);
  }
  await server.call('POST', `${client}/createRoom`, token, { name: SPOKEN, power_level_content_override: { users: { [`@${SPOKEN}:x`]: '50' } } });
  await server.call('POST', `${client}/createRoom`, token, { name: SPOKEN, power_level_content_override: { users: {} } });
  await server.call('POST', `${client}/login`, undefined, { type: 'm.login.password', identifier: { type: 'm.id.user', user: SPOKEN }, password: SPOKEN });
  await server.call('GET', `${client}/account/whoami`, SPOKEN);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startShard, type Person, type RoomEvent, type Shard } from '../harness.js';

let shard: Shard;
let alice: Person;

beforeAll(async () => {
  shard = await startShard();
  alice = await shard.register();
});
afterAll(() => shard.stop());

function run(...args: string[]) {
  return spawn(process.execPath, ['scripts/run.mjs', 'sealing-proxy', ...args], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NODE_OPTIONS: '' } });
}

it('stands before several servers, opens before one what it sealed before another, and ends when it is told to', async () => {
  const pair = ['--listen', '127.0.0.1:0', '--upstream', shard.baseUrl];
  const command = run(...pair, ...pair);
  const ended = once(command, 'exit');
  const [line] = await once(createInterface({ input: command.stdout }), 'line') as [string];
  const [one = '', other = ''] = [...line.matchAll(/(http:\S+) -> /g)].map(([, url]) => url ?? '');
  const ask = async <Body>(base: string, method: string, path: string, body?: object): Promise<Body> => {
    const answer = await fetch(`${base}/_matrix/client/v3/${path}`, {
      method, headers: { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await answer.json() as Body;
  };
  const { room_id } = await ask<{ room_id: string }>(one, 'POST', 'createRoom', { preset: 'public_chat' });
  const room = `rooms/${encodeURIComponent(room_id)}`;
  const { event_id } = await ask<{ event_id: string }>(one, 'PUT', `${room}/send/m.room.message/1`, { body: 'hello' });
  expect(await ask<RoomEvent>(other, 'GET', `${room}/event/${encodeURIComponent(event_id)}`)).toMatchObject({ type: 'm.room.message', content: { body: 'hello' } });
  command.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

it('says how it is used to who leaves out what belongs together', async () => {
  expect(await once(run('--listen', '127.0.0.1:0'), 'exit')).toEqual([2, null]);
});

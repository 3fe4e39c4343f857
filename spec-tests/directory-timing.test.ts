import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { directoryCalls, type DirectoryCalls } from './directory-calls.js';
import { startShard, type Person, type Shard } from './harness.js';
import { compare } from './timing.js';

// Whether somebody exists cannot be told by the clock: RULES D2 to D5 and D7.
let shard: Shard;
let directory: DirectoryCalls;
let eve: Person;
let stranger: Person;
let hidden: Person;
beforeAll(async () => {
  shard = await startShard();
  directory = directoryCalls(shard);
  [eve, stranger, hidden] = [await shard.register('eve'), await shard.register('stranger'), await shard.register('secretive')];
  await directory.rename(hidden, 'A name that nobody may learn');
  await directory.rename(stranger, 'A name that nobody may learn');
  await directory.operate('hide', '--user', hidden.userId);
  await directory.operate('set-email', '--user', hidden.userId, '--email', 'hidden@service.example');
  await directory.operate('set-email', '--user', stranger.userId, '--email', 'known@service.example');
});
afterAll(async () => { await shard.stop(); });

const NOBODY = '@nobodywho:localhost';
/** Answers of both kinds are the same, and of a thousand each the one takes longer than the other as often as not: four sigmas are 0.052. */
async function indistinguishable(one: () => Promise<unknown>, other: () => Promise<unknown>, measure = { samples: 1000, within: 0.06 }): Promise<void> {
  expect(await compare([one, other], measure)).toMatchObject({ isFair: true });
}
const same = async (ask: (id: string) => Promise<{ status: number; text: string; headers: Readonly<Record<string, string>> }>, one: string, other: string) => {
  const [a, b] = [await ask(one), await ask(other)];
  expect([a.status, a.text, Object.keys(a.headers)]).toEqual([b.status, b.text, Object.keys(b.headers)]);
  await indistinguishable(() => ask(one), () => ask(other));
};

describe('nobody can tell by the time it takes', () => {
  it('D2: a hidden person’s id from nobody’s, asked for again', () => same((id) => directory.search(eve, id), hidden.userId, NOBODY));
  it('D2: a hidden person’s address from nobody’s', () => same((email) => directory.search(eve, email), 'hidden@service.example', 'nobody@service.example'));
  it('D3: a stranger’s profile from nobody’s', () => same((id) => directory.profile(eve, id), stranger.userId, NOBODY));
  it('D3: a hidden person’s profile from nobody’s', () => same((id) => directory.profile(eve, id), hidden.userId, NOBODY));
  it('D4: a stranger’s keys from nobody’s', () => same((id) => shard.request('POST', '/_matrix/client/v3/keys/query', { token: eve.token, body: { device_keys: { [id]: [] } } }), stranger.userId, NOBODY));

  it('D7: a wrong password from a person who does not exist', async () => {
    const ask = (user: string) => shard.request('POST', '/_matrix/client/v3/login', { body: { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: 'wrong' } });
    const [known, unknown] = [await ask(stranger.userId), await ask(NOBODY)];
    expect([known.status, known.text, Object.keys(known.headers)]).toEqual([unknown.status, unknown.text, Object.keys(unknown.headers)]);
    await indistinguishable(() => ask(stranger.userId), () => ask(NOBODY), { samples: 60, within: 0.22 });
  });
});

describe('while registration is closed', () => {
  let closed: Shard;
  beforeAll(async () => { closed = await startShard({ enable_registration: false }); });
  afterAll(async () => { await closed.stop(); });

  it('D7: names taken and free get one answer, in one time', async () => {
    await closed.register('taken');
    const ask = (username: string) => closed.request('GET', '/_matrix/client/v3/register/available', { query: { username } });
    const [taken, free] = [await ask('taken'), await ask('freee')];
    expect([taken.status, taken.text]).toEqual([403, free.text]);
    await indistinguishable(() => ask('taken'), () => ask('freee'));
  });
});

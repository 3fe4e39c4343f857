import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';
import { sendRaw, type RawAnswer } from './raw-http.js';
import { sealed } from './sealed.js';
import { compare } from './timing.js';

// Whether a blob exists cannot be told by whoever may not fetch it: not by the answer, not by its headers, not by the clock (RULES C2).
const V3 = '/_matrix/client/v3';
let shard: Shard;
let eve: Person;
/** Sessions of hers. */
let lanes: readonly { token: string }[];
/** Addresses eve may know of and not fetch, by why. */
const refused: Record<string, string> = {};
const cases = [
  ['download', 'fresh'], ['download', 'elsewhere'], ['download', 'granted until a kick'],
  ['download', 'granted to a room of others, and read there'], ['download', 'announced'], ['thumbnail', 'granted until a kick'],
] as const;
const LANES = 4;
const NOTHING = `localhost/${'A'.repeat(32)}`;

beforeAll(async () => {
  shard = await startShard();
  const [alice, bob] = [await shard.register(), await shard.register()];
  eve = await shard.register();
  lanes = await Promise.all(Array.from({ length: cases.length * LANES }, () => shard.logIn(eve)));
  const [theirs, once] = [await shard.createRoom(alice, [bob]), await shard.createRoom(alice, [bob, eve])];
  const upload = async (): Promise<string> => {
    const { body } = await shard.request<{ content_uri: string }>('POST', '/_matrix/media/v3/upload', { token: alice.token, body: randomBytes(2000) });
    return body.content_uri.slice('mxc://'.length);
  };
  const send = async (room: string, txnId: string): Promise<void> => {
    await shard.request('PUT', `${V3}/rooms/${encodeURIComponent(room)}/send/m.room.encrypted/${txnId}`, { token: alice.token, body: sealed() });
  };
  const reading = async (address: string): Promise<void> => { expect((await fetch(bob, address)).status).toBe(200); };
  refused['fresh'] = await upload();
  refused['elsewhere'] = refused['fresh'].replace('localhost', 'elsewhere.example');
  const kicked = await upload();
  await send(once, '1');
  await reading(kicked);
  await shard.request('POST', `${V3}/rooms/${encodeURIComponent(once)}/kick`, { token: alice.token, body: { user_id: eve.userId } });
  refused['granted until a kick'] = kicked;
  refused['granted to a room of others, and read there'] = await upload();
  await send(theirs, '2');
  await reading(refused['granted to a room of others, and read there']);
  refused['announced'] = (await shard.request<{ content_uri: string }>('POST', '/_matrix/media/v1/create', { token: alice.token })).body.content_uri.slice('mxc://'.length);
});
afterAll(async () => { await shard.stop(); });

function fetch(who: { token: string }, address: string, what = 'download'): Promise<RawAnswer> {
  return sendRaw(shard.baseUrl, { method: 'GET', target: `/_matrix/client/v1/media/${what}/${address}${what === 'thumbnail' ? '?width=32&height=32' : ''}`, token: who.token });
}

it.each(cases)('the %s of a blob that is there, %s, is refused in the words for one that is not', async (what, why) => {
  const [there, nowhere] = [await fetch(eve, refused[why] ?? '', what), await fetch(eve, NOTHING, what)];
  expect([there.status, there.text, { ...there.headers, date: '' }]).toEqual([404, nowhere.text, { ...nowhere.headers, date: '' }]);
});

it('and in the same time (C2)', async () => {
  // Side by side, for a refusal is mostly a wait. The one takes longer than the other as often as not: four sigmas of a thousand samples are 0.052.
  const comparisons = await Promise.all(cases.map(async ([what, why], i) => {
    const ask = (address: string) => (lane: number): Promise<RawAnswer> => fetch(lanes[i * LANES + lane] ?? eve, address, what);
    return { what, why, ...await compare([ask(refused[why] ?? ''), ask(NOTHING)], { samples: 1000, within: 0.06, lanes: LANES }) };
  }));
  expect(comparisons.filter(({ isFair }) => !isFair)).toEqual([]);
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { directoryCalls, type DirectoryCalls } from './directory-calls.js';
import { startShard, type Person, type Shard } from './harness.js';
import { sendRaw, type RawAnswer, type RawRequest } from './raw-http.js';
import { compare } from './timing.js';

// Whether somebody exists cannot be told by the clock: RULES D2 to D5 and D7; nor whether a room has a name: A8.
let shard: Shard;
let directory: DirectoryCalls;
let eve: Person;
/** Sessions of hers. */
let lanes: readonly { token: string }[];
let stranger: Person;
let hidden: Person;
beforeAll(async () => {
  shard = await startShard();
  directory = directoryCalls(shard);
  [eve, stranger, hidden] = [await shard.register('eve'), await shard.register('stranger'), await shard.register('secretive')];
  lanes = await Promise.all(Array.from({ length: LANES }, () => shard.logIn(eve)));
  await shard.createRoom(stranger, [], { room_alias_name: 'theirs' });
  const allow = [{ type: 'm.room_membership', room_id: await shard.createRoom(stranger) }];
  await shard.createRoom(stranger, [], { room_alias_name: 'entered', initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }] });
  await directory.rename(hidden, 'A name that nobody may learn');
  await directory.rename(stranger, 'A name that nobody may learn');
  await directory.operate('hide', '--user', hidden.userId);
  await directory.operate('set-email', '--user', hidden.userId, '--email', 'hidden@service.example');
  await directory.operate('set-email', '--user', stranger.userId, '--email', 'known@service.example');
});
afterAll(async () => { await shard.stop(); });

const LANES = 10;
const NOBODY = '@nobodywho:localhost';
/** Answers of both kinds are the same, and of a thousand each the one takes longer than the other as often as not: four sigmas are 0.052. */
async function indistinguishable(one: (lane: number) => Promise<unknown>, other: (lane: number) => Promise<unknown>, measure: { samples: number; within: number; lanes?: number } = { samples: 1000, within: 0.06 }): Promise<void> {
  expect(await compare([one, other], measure)).toMatchObject({ isFair: true });
}
type Ask = (about: string, lane?: number) => Promise<RawAnswer>;
/** By a client that does little of its own, so that what is timed is the server. */
const asking = (of: () => Shard, requestAbout: (about: string, lane?: number) => RawRequest): Ask => (about, lane) => sendRaw(of().baseUrl, requestAbout(about, lane));
const sameAnswer = async (ask: Ask, one: string, other: string) => {
  const [a, b] = [await ask(one), await ask(other)];
  expect([a.status, a.text, Object.keys(a.headers)]).toEqual([b.status, b.text, Object.keys(b.headers)]);
};
const same = async (ask: Ask, one: string, other: string, measure?: { samples: number; within: number; lanes?: number }) => {
  await sameAnswer(ask, one, other);
  await indistinguishable((lane) => ask(one, lane), (lane) => ask(other, lane), measure);
};

const post = (path: string, body: object): RawRequest => ({ method: 'POST', target: `/_matrix/client/v3/${path}`, token: eve.token, body: JSON.stringify(body) });
const search = asking(() => shard, (search_term) => post('user_directory/search', { search_term }));
const profile = asking(() => shard, (id) => ({ method: 'GET', target: `/_matrix/client/v3/profile/${encodeURIComponent(id)}`, token: eve.token }));
const keys = asking(() => shard, (id) => post('keys/query', { device_keys: { [id]: [] } }));
const alias = asking(() => shard, (name, lane = 0) => ({ method: 'GET', target: `/_matrix/client/v3/directory/room/${encodeURIComponent(name)}`, token: lanes[lane]?.token }));
const logIn = asking(() => shard, (user) => ({ ...post('login', { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password: 'wrong' }), token: undefined }));

describe('nobody can tell by the time it takes', () => {
  const ofRefusals = { samples: 1000, within: 0.06, lanes: LANES };
  it('A8: the alias of a room of others from one that nobody gave', () => same(alias, '#theirs:localhost', '#nobody:localhost', ofRefusals));
  it('A8: that of a room that members of another may enter', () => same(alias, '#entered:localhost', '#nobody:localhost', ofRefusals));
  it('D2: a hidden person’s id from nobody’s, asked for again', () => same(search, hidden.userId, NOBODY));
  it('D2: a hidden person’s address from nobody’s', () => same(search, 'hidden@service.example', 'nobody@service.example'));
  it('D3: a stranger’s profile from nobody’s', () => same(profile, stranger.userId, NOBODY));
  it('D3: a hidden person’s profile from nobody’s', () => same(profile, hidden.userId, NOBODY));
  it('D4: a stranger’s keys from nobody’s', () => same(keys, stranger.userId, NOBODY));
  it('D7: a wrong password from a person who does not exist', async () => {
    // Of several each, for how long it takes depends a little on the salt of one's password.
    const strangers = await Promise.all(Array.from({ length: 15 }, async (_, i) => (await shard.register(`stranger${i}`)).userId));
    const inTurn = (ids: readonly string[]) => {
      let turn = 0;
      return () => logIn(ids[(turn += 1) % ids.length] ?? '');
    };
    await sameAnswer(logIn, stranger.userId, NOBODY);
    await indistinguishable(inTurn(strangers), inTurn(strangers.map((id) => id.replace('stranger', 'nobodyat'))), { samples: 60, within: 0.22 });
  });
});

describe('while registration is closed', () => {
  let closed: Shard;
  beforeAll(async () => { closed = await startShard({ enable_registration: false }); });
  afterAll(async () => { await closed.stop(); });

  it('D7: names taken and free get one answer, in one time', async () => {
    await closed.register('taken');
    const available = asking(() => closed, (name) => ({ method: 'GET', target: `/_matrix/client/v3/register/available?username=${name}` }));
    expect((await available('taken')).status).toBe(403);
    await same(available, 'taken', 'freee');
  });
});

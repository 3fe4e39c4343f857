import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { countingReads } from '../storage/counting.testing.js';
import { engines } from '../storage/engines.testing.js';
import { claimKeys } from './claim-keys.js';
import { queryKeys } from './query-keys.js';
import { openShard, read, sent, type TestShard } from './shard.testing.js';
import { oneTimeKeyCounts, unusedFallbackTypes, uploadKeys } from './upload-keys.js';

function deviceKeys({ userId, deviceId }: Session, ed25519 = 'fingerprint') {
  return {
    user_id: userId,
    device_id: deviceId,
    algorithms: ['m.olm.v1.curve25519-aes-sha2'],
    keys: { [`ed25519:${deviceId}`]: ed25519 },
    signatures: { [userId]: { [`ed25519:${deviceId}`]: 'signature' } },
  };
}

function oneTimeKey(key: string) {
  return { key, signatures: { '@alice:shard.example': { 'ed25519:PHONE': 'signature' } } };
}

describe.each(engines)('device keys on $name', (engine) => {
  let shard: TestShard;
  let alice: Session;
  let bob: Session;
  beforeEach(async () => {
    shard = await openShard(engine);
    alice = await shard.session('alice', 'PHONE', { displayName: 'Alice’s phone' });
    bob = await shard.session('bob', 'LAPTOP');
  });
  afterEach(() => shard.drop());

  const query = async (session: Session, keys: Record<string, string[]>) => read(await queryKeys(shard, { session, body: { device_keys: keys } }));
  const claim = async (session: Session, target: Session, algorithm = 'signed_curve25519') =>
    read(await claimKeys(shard, { session, body: { one_time_keys: { [target.userId]: { [target.deviceId]: algorithm } } } }));

  it('shows uploaded device keys, with the device’s name, to people who share a room', async () => {
    await shard.room(alice, bob);
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: deviceKeys(alice) }) });
    expect(await query(bob, { [alice.userId]: [] })).toEqual({
      device_keys: { [alice.userId]: { PHONE: { ...deviceKeys(alice), unsigned: { device_display_name: 'Alice’s phone' } } } },
      master_keys: {},
      self_signing_keys: {},
      user_signing_keys: {},
      failures: {},
    });
    expect(await query(bob, { [alice.userId]: ['TABLET'] })).toMatchObject({ device_keys: { [alice.userId]: {} } });
  });

  it('answers about strangers as about people who do not exist', async () => {
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: deviceKeys(alice) }) });
    expect(await query(bob, { [alice.userId]: [], '@nobody:shard.example': [] })).toMatchObject({ device_keys: {} });
    expect((await query(bob, { [alice.userId]: [] }))['device_keys']).toEqual({});
  });

  it('asks the database as much about strangers as about nobody', async () => {
    await shard.room(alice, bob);
    const carol = await shard.session('carol', 'PHONE');
    for (const session of [alice, bob, carol]) await uploadKeys(shard, { session, ...sent({ device_keys: deviceKeys(session) }) });
    const reads = async (userId: string): Promise<number> => {
      let count = 0;
      await queryKeys({ ...shard, db: countingReads(shard.db, () => { count += 1; }) }, { session: bob, body: { device_keys: { [userId]: [] } } });
      return count;
    };
    const nobody = await reads('@nobody:shard.example');
    expect(await reads(alice.userId)).toBeGreaterThan(nobody);
    expect([await reads(carol.userId), await reads('')]).toEqual([nobody, nobody]);
  });

  it('finds those it may tell of among many names', async () => {
    const people: Session[] = [];
    for (let i = 0; i < 19; i += 1) people.push(await shard.session(`person${i}`, 'PHONE'));
    const [first, second] = [people.slice(0, 7), people.slice(7, 12)];
    await shard.room(bob, ...first);
    await shard.room(bob, ...second);
    const invited = people[12];
    if (invited === undefined) throw new Error('nobody is there');
    await shard.setMembership(await shard.room(bob), invited, 'invite');
    for (const session of people) await uploadKeys(shard, { session, ...sent({ device_keys: deviceKeys(session) }) });
    const names = [...people.map(({ userId }) => userId), ...Array.from({ length: 20 }, (_, i) => `@nobody${i}:shard.example`), bob.userId];
    const found = (await query(bob, Object.fromEntries(names.map((name) => [name, []]))))['device_keys'] as object;
    expect(Object.keys(found).sort()).toEqual([...first, ...second, invited, bob].map(({ userId }) => userId).sort());
    expect(found).toMatchObject({ [bob.userId]: {}, [invited.userId]: { PHONE: deviceKeys(invited) } });
  });

  it('refuses device keys of another user or device', async () => {
    const upload = (keys: object) => uploadKeys(shard, { session: alice, ...sent({ device_keys: { ...deviceKeys(alice), ...keys } }) });
    await expect(upload({ user_id: bob.userId })).rejects.toMatchObject({ errcode: 'M_BAD_JSON' });
    await expect(upload({ device_id: 'TABLET' })).rejects.toMatchObject({ errcode: 'M_BAD_JSON' });
  });

  it('takes changed keys of a known device, and moves nothing when they are the same', async () => {
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: deviceKeys(alice) }) });
    const before = await shard.position();
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: { ...deviceKeys(alice) } }) });
    expect(await shard.position()).toBe(before);
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: { ...deviceKeys(alice, 'other'), signatures: {} } }) });
    expect(await shard.position()).toBeGreaterThan(before);
    expect(await query(alice, { [alice.userId]: [] })).toMatchObject({ device_keys: { [alice.userId]: { PHONE: { keys: { 'ed25519:PHONE': 'other' } } } } });
  });

  it('counts one-time keys, naming signed_curve25519 even at zero', async () => {
    expect(await uploadKeys(shard, { session: alice, ...sent({}) })).toEqual({ one_time_key_counts: { signed_curve25519: 0 } });
    const body = { one_time_keys: { 'signed_curve25519:AAAA': oneTimeKey('a'), 'signed_curve25519:AAAB': oneTimeKey('b'), 'mine:1': 'c' } };
    expect(await uploadKeys(shard, { session: alice, ...sent(body) })).toEqual({ one_time_key_counts: { signed_curve25519: 2, mine: 1 } });
  });

  it('takes the same one-time key twice, and refuses another of the same id', async () => {
    const first = { one_time_keys: { 'signed_curve25519:AAAA': oneTimeKey('a') } };
    await uploadKeys(shard, { session: alice, ...sent(first) });
    const both = { one_time_keys: { ...first.one_time_keys, 'signed_curve25519:AAAB': oneTimeKey('b') } };
    expect(await uploadKeys(shard, { session: alice, ...sent(both) })).toEqual({ one_time_key_counts: { signed_curve25519: 2 } });
    const other = { one_time_keys: { 'signed_curve25519:AAAA': oneTimeKey('x'), 'signed_curve25519:AAAC': oneTimeKey('c') } };
    await expect(uploadKeys(shard, { session: alice, ...sent(other) })).rejects.toMatchObject({
      errcode: 'M_UNKNOWN',
      message: expect.stringMatching(/^One time key signed_curve25519:AAAA already exists\. Old key: \{.*\}; new key: \{.*\}$/),
      details: { status: 400 },
    });
    expect(await shard.db.read((tx) => oneTimeKeyCounts(tx, alice.deviceNid))).toEqual({ signed_curve25519: 2 });
  });

  it('refuses a key without an algorithm in its name', async () => {
    await expect(uploadKeys(shard, { session: alice, ...sent({ one_time_keys: { AAAA: 'a' } }) })).rejects.toMatchObject({ errcode: 'M_BAD_JSON' });
  });

  it('takes one-time keys however their JSON is written', async () => {
    await shard.room(alice, bob);
    const json = '{ "key": "a\\u002fb", "signatures": {} }';
    const text = `{ "one_time_keys" : { "signed_curve25519:\\u0041" : ${json} } }`;
    await uploadKeys(shard, { session: alice, body: JSON.parse(text) as never, bodyBytes: Buffer.from(text) });
    expect((await claim(bob, alice))['one_time_keys']).toEqual({ [alice.userId]: { PHONE: { 'signed_curve25519:A': { key: 'a/b', signatures: {} } } } });
  });

  it('gives each one-time key once, in the order of upload, then the fallback key', async () => {
    await shard.room(alice, bob);
    await uploadKeys(shard, { session: alice, ...sent({ one_time_keys: { 'signed_curve25519:ZZZZ': oneTimeKey('first') } }) });
    await uploadKeys(shard, {
      session: alice,
      ...sent({
        one_time_keys: { 'signed_curve25519:AAAA': oneTimeKey('second') },
        fallback_keys: { 'signed_curve25519:FFFF': { ...oneTimeKey('fallback'), fallback: true } },
      }),
    });
    expect(await shard.db.read((tx) => unusedFallbackTypes(tx, alice.deviceNid))).toEqual(['signed_curve25519']);
    const claimed = async () => (await claim(bob, alice))['one_time_keys'];
    expect(await claimed()).toEqual({ [alice.userId]: { PHONE: { 'signed_curve25519:ZZZZ': oneTimeKey('first') } } });
    expect(await claimed()).toMatchObject({ [alice.userId]: { PHONE: { 'signed_curve25519:AAAA': { key: 'second' } } } });
    expect(await shard.db.read((tx) => unusedFallbackTypes(tx, alice.deviceNid))).toEqual(['signed_curve25519']);
    expect(await claimed()).toMatchObject({ [alice.userId]: { PHONE: { 'signed_curve25519:FFFF': { key: 'fallback', fallback: true } } } });
    expect(await claimed()).toMatchObject({ [alice.userId]: { PHONE: { 'signed_curve25519:FFFF': { key: 'fallback' } } } });
    expect(await shard.db.read((tx) => unusedFallbackTypes(tx, alice.deviceNid))).toEqual([]);
  });

  it('counts a fallback key uploaded again as used, and a new one as unused', async () => {
    await shard.room(alice, bob);
    const upload = (id: string) => uploadKeys(shard, { session: alice, ...sent({ fallback_keys: { [`signed_curve25519:${id}`]: oneTimeKey(id) } }) });
    await upload('F1');
    await claim(bob, alice);
    await upload('F1');
    expect(await shard.db.read((tx) => unusedFallbackTypes(tx, alice.deviceNid))).toEqual([]);
    await upload('F2');
    expect(await shard.db.read((tx) => unusedFallbackTypes(tx, alice.deviceNid))).toEqual(['signed_curve25519']);
  });

  it('never gives a key to two who claim at the same moment', async () => {
    await shard.room(alice, bob);
    const names = Array.from({ length: 20 }, (_, i) => `signed_curve25519:K${i}`);
    await uploadKeys(shard, { session: alice, ...sent({ one_time_keys: Object.fromEntries(names.map((name) => [name, oneTimeKey(name)])) }) });
    const answers = await Promise.all(names.map(() => claim(bob, alice)));
    const given = answers.map((answer) => JSON.stringify(answer['one_time_keys']));
    expect(new Set(given).size).toBe(20);
    expect(await shard.db.read((tx) => oneTimeKeyCounts(tx, alice.deviceNid))).toEqual({ signed_curve25519: 0 });
  });

  it('gives strangers nothing and takes nothing', async () => {
    await uploadKeys(shard, { session: alice, ...sent({ one_time_keys: { 'signed_curve25519:AAAA': oneTimeKey('a') } }) });
    expect(await claim(bob, alice)).toEqual({ one_time_keys: {}, failures: {} });
    expect(await claim(bob, bob)).toEqual({ one_time_keys: {}, failures: {} });
    expect(await shard.db.read((tx) => oneTimeKeyCounts(tx, alice.deviceNid))).toEqual({ signed_curve25519: 1 });
  });

  it('tells the device that its keys were claimed', async () => {
    await shard.room(alice, bob);
    await uploadKeys(shard, { session: alice, ...sent({ one_time_keys: { 'signed_curve25519:AAAA': oneTimeKey('a') } }) });
    const heard: string[] = [];
    shard.db.listen({ heard: ({ topics }) => { heard.push(...topics); }, lost: () => undefined });
    await claim(bob, alice);
    while (!heard.includes(`oneTimeKeys/${alice.deviceNid}`)) await new Promise((resolve) => { setTimeout(resolve, 5); });
  });
});

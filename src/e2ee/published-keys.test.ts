import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { logOut } from '../auth/logout.js';
import { free } from '../auth/people.testing.js';
import { createPasswords } from '../auth/passwords.js';
import type { Session } from '../auth/session.js';
import { updateDevice } from '../auth/devices.js';
import type { JsonObject } from '../matrix/schema.js';
import { signJson } from '../matrix/signing.js';
import { countingReads } from '../storage/counting.testing.js';
import { engines } from '../storage/engines.testing.js';
import { keysOfClosedAccounts } from './closed-accounts.js';
import { deviceListsObserver } from './device-lists.js';
import { deviceKeys, identityOf, publicPart } from './identity.testing.js';
import { knownPeople } from './people.js';
import { PublishedKeysMemory } from './published-keys.js';
import { queryKeys } from './query-keys.js';
import { openShard, read, sent, testKey, type TestShard } from './shard.testing.js';
import { uploadKeys } from './upload-keys.js';
import { uploadSignatures } from './upload-signatures.js';
import { uploadSigningKeys } from './upload-signing-keys.js';

const passwords = createPasswords(1, randomBytes(32));
const passwordHash = await passwords.hashPassword('correct horse');
const AUTH = { type: 'm.login.password', password: 'correct horse' };

describe.each(engines)('published keys on $name', (engine) => {
  let shard: TestShard;
  let alice: Session;
  let bob: Session;
  beforeEach(async () => {
    shard = await openShard(engine);
    alice = await shard.session('alice', 'PHONE', { passwordHash, displayName: 'Phone' });
    bob = await shard.session('bob', 'LAPTOP', { passwordHash });
    await shard.room(alice, bob);
  });
  afterEach(() => shard.drop());

  const query = async (session: Session, deps: Partial<TestShard> = {}) =>
    read(await queryKeys({ ...shard, ...deps }, { session, body: { device_keys: { [alice.userId]: [], [bob.userId]: [] } } }));
  const rename = (session: Session, name: string) =>
    updateDevice({ ...shard, deviceObserver: deviceListsObserver }, { session, params: session, body: { display_name: name }, ip: '::1' });
  const upload = (session: Session, seed: string) =>
    uploadKeys(shard, { session, ...sent({ device_keys: deviceKeys(session, testKey(seed, session.deviceId)) }) });
  const identify = (session: Session, generation: string) =>
    uploadSigningKeys(
      { db: shard.db, clock: () => 0, random: randomBytes, passwords, loginBrakes: { failed: free } },
      { session, body: { ...identityOf(session, generation).body, auth: AUTH } },
    );
  /** The person's device by their identity, their identity by their device, and the other's identity by theirs: as far as these are there. */
  const sign = (session: Session, other: Session, generation: string, seed: string) => {
    const [own, others, device] = [identityOf(session, generation), identityOf(other, generation), testKey(seed, session.deviceId)];
    return uploadSignatures(shard, { session, body: {
      [session.userId]: {
        [session.deviceId]: signJson(deviceKeys(session, device), session.userId, own.selfSigning),
        [own.master.publicKey]: publicPart(session, 'master', own.master, device),
      },
      [other.userId]: { [others.master.publicKey]: signJson(others.body.master_key as JsonObject, session.userId, own.userSigning) },
    } });
  };

  it('are after any change what they would be if nothing were kept', async () => {
    const who = fc.constantFrom<'alice' | 'bob'>('alice', 'bob');
    const seed = fc.constantFrom('old', 'new');
    const change = fc.oneof(
      fc.record({ kind: fc.constant('rename' as const), who, name: fc.constantFrom('Phone', 'Büro "2"') }),
      fc.record({ kind: fc.constant('upload' as const), who, seed }),
      fc.record({ kind: fc.constant('identify' as const), who, seed }),
      fc.record({ kind: fc.constant('sign' as const), who, seed, device: seed }),
      fc.record({ kind: fc.constant('leave' as const), who }),
      fc.record({ kind: fc.constant('close' as const), who }),
    );
    const seen = new Set<string>();
    await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 8, maxLength: 8 }), async (changes) => {
      for (const made of changes) {
        const [session, other] = made.who === 'alice' ? [alice, bob] : [bob, alice];
        if (made.kind === 'rename') await rename(session, made.name);
        else if (made.kind === 'upload') await upload(session, made.seed);
        else if (made.kind === 'identify') await identify(session, made.seed);
        else if (made.kind === 'sign') await sign(session, other, made.seed, made.device);
        else if (made.kind === 'leave') {
          await logOut({ ...shard, deviceObserver: deviceListsObserver }, { session });
          const back = await shard.session(made.who, session.deviceId);
          if (made.who === 'alice') alice = back;
          else bob = back;
        } else {
          await shard.db.transaction(async (tx) => {
            await keysOfClosedAccounts.accountClosed(tx, { ...session, isErased: false });
            await deviceListsObserver.devicesChanged(tx, session.userNid, []);
          });
        }
        for (const viewer of [alice, bob]) {
          const kept = await query(viewer);
          expect(kept).toEqual(await query(viewer, { publishedKeys: new PublishedKeysMemory() }));
          seen.add(JSON.stringify(kept));
        }
      }
    }), { numRuns: 6, seed: 20 });
    expect(seen.size).toBeGreaterThan(20);
  });

  it('are read once for all who ask, and again after a change', async () => {
    await upload(alice, 'old');
    await upload(bob, 'old');
    const reads = async (session: Session): Promise<number> => {
      let count = 0;
      await query(session, { db: countingReads(shard.db, () => { count += 1; }) });
      return count;
    };
    const first = await reads(alice);
    const second = await reads(bob);
    expect(second).toBeLessThan(first);
    await rename(alice, 'Tablet');
    expect([await reads(bob), await reads(alice)]).toEqual([first, second]);
  });

  it('are found by the ids of devices, whatever these are called', async () => {
    const odd = await shard.session('alice', 'the "odd" \\ one', { displayName: 'Büro "2"' });
    for (const session of [alice, odd]) await upload(session, 'old');
    const ask = async (...devices: string[]) =>
      (read(await queryKeys(shard, { session: bob, body: { device_keys: { [alice.userId]: devices } } }))['device_keys'] as Record<string, JsonObject>)[alice.userId];
    const keys = (session: Session, name: string) =>
      ({ ...deviceKeys(session, testKey('old', session.deviceId)), unsigned: { device_display_name: name } });
    expect(await ask(odd.deviceId)).toEqual({ [odd.deviceId]: keys(odd, 'Büro "2"') });
    expect(await ask()).toEqual({ [odd.deviceId]: keys(odd, 'Büro "2"'), PHONE: keys(alice, 'Phone') });
    expect(await ask('the')).toEqual({});
  });

  it('are those of the snapshot, and the newest are kept', async () => {
    await upload(alice, 'old');
    const memory = new PublishedKeysMemory();
    const people = knownPeople(bob, [alice.userId], 0);
    const [older, newer] = await shard.db.read(async (tx) => {
      await tx.all(people);
      await upload(alice, 'new');
      const now = await shard.db.read((next) => memory.of(next, people));
      return [await memory.of(tx, people), now];
    });
    expect(newer[0]?.devices).toContain(testKey('new').publicKey);
    expect(older[0]?.devices).toContain(testKey('old').publicKey);
    expect((await shard.db.read((tx) => memory.of(tx, people)))[0]).toBe(newer[0]);
  });

  it('of somebody who publishes too much are not kept, and take no room from others', async () => {
    const many = { ...deviceKeys(bob, testKey('old', bob.deviceId)), algorithms: Array<string>(30_000).fill('m.of.bobs.own') };
    await uploadKeys(shard, { session: bob, ...sent({ device_keys: many }) });
    await upload(alice, 'old');
    const of = async (session: Session) => (await shard.db.read((tx) => shard.publishedKeys.of(tx, knownPeople(alice, [session.userId], 0))))[0];
    const [ofAlice, ofBob] = [await of(alice), await of(bob)];
    expect(ofBob?.devices.length).toBeGreaterThan(400_000);
    expect(await of(bob)).not.toBe(ofBob);
    expect(await of(bob)).toEqual(ofBob);
    expect(await of(alice)).toBe(ofAlice);
  });
});

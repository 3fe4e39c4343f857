import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { free } from '../auth/people.testing.js';
import { createPasswords } from '../auth/passwords.js';
import type { Session } from '../auth/session.js';
import type { JsonObject } from '../matrix/schema.js';
import { signJson, type SigningKey } from '../matrix/signing.js';
import { engines } from '../storage/engines.testing.js';
import { deviceListChanges, deviceListsObserver } from './device-lists.js';
import { queryKeys } from './query-keys.js';
import { deviceKeys, identityOf, publicPart } from './identity.testing.js';
import { openShard, read, sent, testKey, type TestShard } from './shard.testing.js';
import { uploadKeys } from './upload-keys.js';
import { uploadSignatures } from './upload-signatures.js';
import { uploadSigningKeys } from './upload-signing-keys.js';

const passwords = createPasswords(1, randomBytes(32));
const passwordHash = await passwords.hashPassword('correct horse');

describe.each(engines)('identities on $name', (engine) => {
  let shard: TestShard;
  let alice: Session;
  let bob: Session;
  beforeEach(async () => {
    shard = await openShard(engine);
    alice = await shard.session('alice', 'PHONE', { passwordHash });
    bob = await shard.session('bob', 'LAPTOP', { passwordHash });
    await shard.room(alice, bob);
  });
  afterEach(() => shard.drop());

  const upload = (session: Session, body: Parameters<typeof uploadSigningKeys>[1]['body']) =>
    uploadSigningKeys({ db: shard.db, clock: () => 0, random: randomBytes, passwords, loginBrakes: { failed: free } }, { session, body });
  const sign = async (session: Session, body: Record<string, Record<string, JsonObject>>) => uploadSignatures(shard, { session, body });
  const query = async (session: Session, ...people: readonly Session[]) =>
    read(await queryKeys(shard, { session, body: { device_keys: Object.fromEntries(people.map(({ userId }) => [userId, []])) } }));

  it('publishes a first identity without further proof, the user-signing key for oneself alone', async () => {
    const { body } = identityOf(alice);
    await upload(alice, body);
    expect(await query(bob, alice)).toMatchObject({
      master_keys: { [alice.userId]: body.master_key },
      self_signing_keys: { [alice.userId]: body.self_signing_key },
      user_signing_keys: {},
    });
    expect(await query(alice, alice)).toMatchObject({ user_signing_keys: { [alice.userId]: body.user_signing_key } });
  });

  it('takes the same identity again, and a request without keys, changing nothing', async () => {
    const { body } = identityOf(alice);
    await upload(alice, body);
    const before = await shard.position();
    expect(await upload(alice, body)).toEqual({});
    expect(await upload(alice, {})).toEqual({});
    expect(await shard.position()).toBe(before);
    expect(await query(alice, alice)).toMatchObject({ master_keys: { [alice.userId]: body.master_key } });
  });

  it('replaces an identity only for who gives the password', async () => {
    await upload(alice, identityOf(alice).body);
    const { body } = identityOf(alice, 'new');
    await expect(upload(alice, body)).rejects.toMatchObject({ details: { status: 401, body: { flows: [{ stages: ['m.login.password'] }] } } });
    const auth = { type: 'm.login.password', password: 'wrong', identifier: { type: 'm.id.user', user: 'alice' } };
    await expect(upload(alice, { ...body, auth })).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await upload(alice, { ...body, auth: { ...auth, password: 'correct horse' } });
    expect(await query(bob, alice)).toMatchObject({ master_keys: { [alice.userId]: body.master_key } });
  });

  it('drops what only the former master key vouched for', async () => {
    await upload(alice, identityOf(alice).body);
    const auth = { type: 'm.login.password', password: 'correct horse' };
    await upload(alice, { master_key: identityOf(alice, 'new').body.master_key, auth });
    expect(await query(alice, alice)).toMatchObject({ self_signing_keys: {}, user_signing_keys: {} });
  });

  it('refuses keys without a master key, badly signed, misnamed, or named as a device', async () => {
    const { body, master, selfSigning } = identityOf(alice);
    await expect(upload(alice, { self_signing_key: body.self_signing_key })).rejects.toMatchObject({ errcode: 'M_MISSING_PARAM' });
    const forged = publicPart(alice, 'self_signing', selfSigning, selfSigning);
    await expect(upload(alice, { ...body, self_signing_key: forged })).rejects.toMatchObject({ errcode: 'M_INVALID_SIGNATURE' });
    const misnamed = { ...body.master_key, keys: { 'ed25519:other': master.publicKey } };
    await expect(upload(alice, { master_key: misnamed })).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    await expect(upload(bob, body)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    await shard.session('alice', master.publicKey);
    await expect(upload(alice, body)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(await query(alice, alice)).toMatchObject({ master_keys: {} });
  });

  it('refuses a key that is there already for another use', async () => {
    const { body, master } = identityOf(alice);
    await upload(alice, body);
    await expect(upload(alice, { self_signing_key: publicPart(alice, 'self_signing', master, master) })).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    expect(await query(alice, alice)).toMatchObject({ self_signing_keys: { [alice.userId]: body.self_signing_key } });
  });

  it('shows everybody the signatures on one’s own devices and master key', async () => {
    const device = testKey('phone', 'PHONE');
    const { body, selfSigning, master } = identityOf(alice);
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: deviceKeys(alice, device) }) });
    await upload(alice, body);
    const signedDevice = signJson(deviceKeys(alice, device), alice.userId, selfSigning);
    const signedMaster = publicPart(alice, 'master', master, device);
    expect(await sign(alice, { [alice.userId]: { PHONE: signedDevice, [master.publicKey]: signedMaster } })).toEqual({ failures: {} });
    expect(await query(bob, alice)).toMatchObject({
      device_keys: { [alice.userId]: { PHONE: { signatures: signedDevice.signatures } } },
      master_keys: { [alice.userId]: signedMaster },
    });
  });

  it('forgets the signatures of keys that are replaced and of devices that are removed', async () => {
    const { body, selfSigning, master } = identityOf(alice);
    await upload(alice, body);
    const vouchFor = async (device: SigningKey) => {
      await uploadKeys(shard, { session: alice, ...sent({ device_keys: deviceKeys(alice, device) }) });
      const signedDevice = signJson(deviceKeys(alice, device), alice.userId, selfSigning);
      return sign(alice, { [alice.userId]: { PHONE: signedDevice, [master.publicKey]: publicPart(alice, 'master', master, device) } });
    };
    // The master key goes out as it was uploaded when nobody signed it since.
    const bare = { master_keys: { [alice.userId]: expect.not.objectContaining({ signatures: expect.anything() }) } };
    expect(await vouchFor(testKey('phone', 'PHONE'))).toEqual({ failures: {} });
    const replaced = deviceKeys(alice, testKey('new phone', 'PHONE'));
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: replaced }) });
    expect(await query(bob, alice)).toMatchObject(bare);
    expect((await query(bob, alice))['device_keys']).toEqual({ [alice.userId]: { PHONE: replaced } });
    expect(await vouchFor(testKey('new phone', 'PHONE'))).toEqual({ failures: {} });
    await shard.db.transaction((tx) => deviceListsObserver.devicesChanged(tx, alice.userNid, [alice.deviceId]));
    expect(await query(bob, alice)).toMatchObject(bare);
    expect((await query(bob, alice))['device_keys']).toEqual({ [alice.userId]: { PHONE: replaced } });
  });

  it('shows the signature on another’s master key to the signer alone, and tells only the signer’s devices', async () => {
    const ofAlice = identityOf(alice);
    const ofBob = identityOf(bob);
    await upload(alice, ofAlice.body);
    await upload(bob, ofBob.body);
    const before = await shard.position();
    const verified = signJson(ofBob.body.master_key as JsonObject, alice.userId, ofAlice.userSigning);
    expect(await sign(alice, { [bob.userId]: { [ofBob.master.publicKey]: verified } })).toEqual({ failures: {} });
    expect(await query(alice, bob)).toMatchObject({ master_keys: { [bob.userId]: verified } });
    expect((await query(bob, bob))['master_keys']).toEqual({ [bob.userId]: ofBob.body.master_key });
    const range = { after: before, upTo: await shard.position() };
    expect(await shard.db.read((tx) => deviceListChanges(tx, alice.userNid, range))).toEqual({ changed: [bob.userId], left: [] });
    expect(await shard.db.read((tx) => deviceListChanges(tx, bob.userNid, range))).toEqual({ changed: [], left: [] });
    const after = await shard.position();
    await sign(alice, { [bob.userId]: { [ofBob.master.publicKey]: verified } });
    expect(await shard.position()).toBe(after);
  });

  it('reports each signature it cannot take', async () => {
    const ofAlice = identityOf(alice);
    const ofBob = identityOf(bob);
    const stranger = await shard.session('carol', 'DESK');
    const ofCarol = identityOf(stranger);
    await upload(alice, ofAlice.body);
    await upload(bob, ofBob.body);
    await upload(stranger, ofCarol.body);
    const device = testKey('phone', 'PHONE');
    await uploadKeys(shard, { session: alice, ...sent({ device_keys: deviceKeys(alice, device) }) });
    const answer = await sign(alice, {
      [alice.userId]: { PHONE: signJson({ ...deviceKeys(alice, device), algorithms: ['x'] }, alice.userId, ofAlice.selfSigning), NONE: {} },
      [bob.userId]: { [ofBob.master.publicKey]: signJson(ofBob.body.master_key as JsonObject, alice.userId, { ...ofAlice.master, keyId: ofAlice.userSigning.keyId }) },
      [stranger.userId]: { [ofCarol.master.publicKey]: signJson(ofCarol.body.master_key as JsonObject, alice.userId, ofAlice.userSigning) },
    });
    expect(answer).toMatchObject({
      failures: {
        [alice.userId]: { PHONE: { errcode: 'M_INVALID_PARAM' }, NONE: { errcode: 'M_NOT_FOUND' } },
        [bob.userId]: { [ofBob.master.publicKey]: { errcode: 'M_INVALID_SIGNATURE' } },
        [stranger.userId]: { [ofCarol.master.publicKey]: { errcode: 'M_NOT_FOUND' } },
      },
    });
  });
});

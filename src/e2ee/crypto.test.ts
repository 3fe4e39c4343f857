import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as Crypto from '@matrix-org/matrix-sdk-crypto-wasm';
import { free } from '../auth/people.testing.js';
import { createPasswords } from '../auth/passwords.js';
import type { Session } from '../auth/session.js';
import type { Reply } from '../matrix/reply.js';
import { JsonText } from '../matrix/reply.js';
import { engines } from '../storage/engines.testing.js';
import { getBackupKeys, putBackupKeys } from './backup-keys.js';
import { claimKeys } from './claim-keys.js';
import { deviceListChanges } from './device-lists.js';
import { createBackup } from './key-backups.js';
import { queryKeys } from './query-keys.js';
import { openShard, read, type TestShard } from './shard.testing.js';
import { acknowledgeToDevice, sendToDevice, toDeviceSince } from './to-device.js';
import { oneTimeKeyCounts, unusedFallbackTypes, uploadKeys } from './upload-keys.js';
import { uploadSignatures } from './upload-signatures.js';
import { uploadSigningKeys } from './upload-signing-keys.js';

const room = new Crypto.RoomId('!room:shard.example');

/** A client with the crypto of Element, whose requests go straight to our handlers. */
interface Client {
  readonly session: Session;
  readonly machine: Crypto.OlmMachine;
  since: number;
}

type Request = Awaited<ReturnType<Crypto.OlmMachine['outgoingRequests']>>[number];

async function answer(shard: TestShard, session: Session, request: Request): Promise<Reply> {
  const body = JSON.parse(request.body) as never;
  switch (request.type) {
    case Crypto.RequestType.KeysUpload:
      return uploadKeys(shard, { session, body, bodyBytes: Buffer.from(request.body) });
    case Crypto.RequestType.KeysQuery:
      return queryKeys(shard, { session, body });
    case Crypto.RequestType.KeysClaim:
      return claimKeys(shard, { session, body });
    case Crypto.RequestType.SignatureUpload:
      return uploadSignatures(shard, { session, body });
    case Crypto.RequestType.ToDevice: {
      const { event_type: eventType, txn_id: txnId } = request as Crypto.ToDeviceRequest;
      return sendToDevice({ ...shard, clock: () => 0, toDeviceBrake: free, keyRequestBrake: free }, { session, params: { eventType, txnId }, bodyBytes: Buffer.from(request.body) });
    }
    case Crypto.RequestType.KeysBackup:
      return putBackupKeys(shard, { session, query: { version: (request as Crypto.KeysBackupRequest).version }, body });
    default:
      throw new Error(`the machine asks for ${request.type}`);
  }
}

async function perform(shard: TestShard, { session, machine }: Client, request: Request | null | undefined): Promise<void> {
  if (request === undefined || request === null) return;
  const reply = await answer(shard, session, request);
  const text = reply instanceof JsonText ? reply.text : JSON.stringify(reply);
  if (request.id !== undefined) await machine.markRequestAsSent(request.id, request.type, text);
}

async function flush(shard: TestShard, client: Client): Promise<void> {
  for (const request of await client.machine.outgoingRequests()) await perform(shard, client, request);
}

/** What /sync does with our sections. */
async function sync(shard: TestShard, client: Client): Promise<void> {
  const { deviceNid, userNid } = client.session;
  await shard.db.transaction((tx) => acknowledgeToDevice(tx, deviceNid, client.since));
  const range = { after: client.since, upTo: await shard.position() };
  const told = await shard.db.read(async (tx) => ({
    toDevice: await toDeviceSince(tx, deviceNid, range),
    lists: await deviceListChanges(tx, userNid, range),
    counts: await oneTimeKeyCounts(tx, deviceNid),
    unused: await unusedFallbackTypes(tx, deviceNid),
  }));
  const users = (ids: readonly string[]) => ids.map((id) => new Crypto.UserId(id));
  await client.machine.receiveSyncChanges(
    `[${told.toDevice.texts.join()}]`,
    new Crypto.DeviceLists(users(told.lists.changed), users(told.lists.left)),
    new Map(Object.entries(told.counts)),
    new Set(told.unused),
  );
  client.since = told.toDevice.upTo;
  await flush(shard, client);
}

async function logIn(shard: TestShard, localpart: string, deviceId: string): Promise<Client> {
  const session = await shard.session(localpart, deviceId);
  const machine = await Crypto.OlmMachine.initialize(new Crypto.UserId(session.userId), new Crypto.DeviceId(deviceId));
  const client = { session, machine, since: 0 };
  await flush(shard, client);
  return client;
}

async function publishIdentity(shard: TestShard, client: Client): Promise<void> {
  const { session, machine } = client;
  const requests = await machine.bootstrapCrossSigning(true);
  await perform(shard, client, requests.uploadKeysRequest);
  const deps = { db: shard.db, clock: () => 0, random: randomBytes, passwords: createPasswords(1, randomBytes(32)), loginBrakes: { failed: free } };
  await uploadSigningKeys(deps, { session, body: JSON.parse(requests.uploadSigningKeysRequest.body) as never });
  expect(await uploadSignatures(shard, { session, body: JSON.parse(requests.uploadSignaturesRequest.body) as never })).toEqual({ failures: {} });
  await sync(shard, client);
}

async function encryptTo(shard: TestShard, client: Client, people: readonly Session[], body: string): Promise<string> {
  const users = () => people.map(({ userId }) => new Crypto.UserId(userId));
  await client.machine.updateTrackedUsers(users());
  await flush(shard, client);
  await perform(shard, client, await client.machine.getMissingSessions(users()));
  const settings = Object.assign(new Crypto.RoomSettings(), { algorithm: Crypto.EncryptionAlgorithm.MegolmV1AesSha2 });
  await client.machine.setRoomSettings(room, settings);
  for (const request of await client.machine.shareRoomKey(room, users(), new Crypto.EncryptionSettings())) await perform(shard, client, request);
  const content = await client.machine.encryptRoomEvent(room, 'm.room.message', JSON.stringify({ msgtype: 'm.text', body }));
  return JSON.stringify({
    type: 'm.room.encrypted', event_id: '$event', sender: client.session.userId, origin_server_ts: 1, content: JSON.parse(content) as object, unsigned: {},
  });
}

async function decrypt({ machine }: Client, event: string): Promise<string> {
  const decrypted = await machine.decryptRoomEvent(event, room, new Crypto.DecryptionSettings(Crypto.TrustRequirement.Untrusted));
  return (JSON.parse(decrypted.event) as { content: { body: string } }).content.body;
}

describe.each(engines)('the crypto of Element on $name', (engine) => {
  let shard: TestShard;
  let alice: Client;
  let bob: Client;
  beforeAll(() => Crypto.initAsync());
  beforeEach(async () => {
    shard = await openShard(engine);
    [alice, bob] = [await logIn(shard, 'alice', 'PHONE'), await logIn(shard, 'bob', 'LAPTOP')];
    await shard.room(alice.session, bob.session);
  });
  afterEach(() => shard.drop());

  it('exchanges messages both ways, and reaches a device that comes later', async () => {
    const bonjour = await encryptTo(shard, bob, [alice.session, bob.session], 'bonjour');
    await sync(shard, alice);
    expect(await decrypt(alice, bonjour)).toBe('bonjour');
    const tablet = await logIn(shard, 'alice', 'TABLET');
    await sync(shard, bob);
    const salut = await encryptTo(shard, bob, [alice.session, bob.session], 'salut');
    for (const device of [alice, tablet]) {
      await sync(shard, device);
      expect(await decrypt(device, salut)).toBe('salut');
    }
    const merci = await encryptTo(shard, alice, [alice.session, bob.session], 'merci');
    await sync(shard, bob);
    expect(await decrypt(bob, merci)).toBe('merci');
  });

  it('uploads new one-time keys when told that they ran out', async () => {
    const { deviceNid } = alice.session;
    for (let i = 0; i < 50; i += 1) {
      await claimKeys(shard, { session: bob.session, body: { one_time_keys: { [alice.session.userId]: { PHONE: 'signed_curve25519' } } } });
    }
    await claimKeys(shard, { session: bob.session, body: { one_time_keys: { [alice.session.userId]: { PHONE: 'signed_curve25519' } } } });
    const state = () => shard.db.read(async (tx) => [await oneTimeKeyCounts(tx, deviceNid), await unusedFallbackTypes(tx, deviceNid)]);
    expect(await state()).toEqual([{ signed_curve25519: 0 }, []]);
    await sync(shard, alice);
    expect(await state()).toEqual([{ signed_curve25519: 50 }, ['signed_curve25519']]);
  });

  it('verifies another person, and sees it on reading their keys again', async () => {
    await publishIdentity(shard, alice);
    await publishIdentity(shard, bob);
    await bob.machine.updateTrackedUsers([new Crypto.UserId(alice.session.userId)]);
    await flush(shard, bob);
    const identity = async () => bob.machine.getIdentity(new Crypto.UserId(alice.session.userId)) as Promise<Crypto.OtherUserIdentity>;
    expect((await identity()).isVerified()).toBe(false);
    expect(read(await uploadSignatures(shard, { session: bob.session, body: JSON.parse((await (await identity()).verify()).body) as never }))).toEqual({ failures: {} });
    await sync(shard, bob);
    expect((await identity()).isVerified()).toBe(true);
    const device = await bob.machine.getDevice(new Crypto.UserId(alice.session.userId), new Crypto.DeviceId('PHONE'));
    expect(device?.isCrossSigningTrusted()).toBe(true);
  });

  it('backs up its room keys', async () => {
    const { version } = await createBackup(shard, { session: bob.session, body: { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} } });
    const backupKey = Crypto.BackupDecryptionKey.createRandomKey();
    await bob.machine.enableBackupV1(backupKey.megolmV1PublicKey.publicKeyBase64, version);
    await encryptTo(shard, bob, [alice.session, bob.session], 'bonjour');
    await perform(shard, bob, await bob.machine.backupRoomKeys());
    const stored = read(await getBackupKeys(shard, { session: bob.session, query: { version } }));
    expect(Object.keys(stored['rooms'] as object)).toEqual([room.toString()]);
    expect((await bob.machine.roomKeyCounts()).backedUp).toBe(1);
  });
});

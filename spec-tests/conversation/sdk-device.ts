import {
  ClientEvent, createClient, SyncState, type UIAuthCallback,
} from 'matrix-js-sdk';
import { CryptoEvent, VerificationPhase } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { decodeRecoveryKey } from 'matrix-js-sdk/lib/crypto-api/recovery-key.js';
import { eventually, PATIENCE, type Account, type ElementDevice } from './device.js';
import type { Logged } from './logged.js';
import { decrypted, fileStatus, forward, readFile, seesAvatar, sendFile, setAvatar } from './sdk-content.js';
import { Wire } from './wire.js';

/** A device of matrix-js-sdk with its Rust crypto, kept in IndexedDB (`lasting`, a browser) or in memory (Node). */
export function sdkDevice(lasting: boolean): ElementDevice {
  let logged: Logged | undefined;
  const me = (): Logged => {
    if (logged === undefined) throw new Error('not logged in');
    return logged;
  };
  return {
    async logIn(account) {
      logged = await logIn(account, lasting);
      return logged.client.getDeviceId() ?? '';
    },
    createRoom: (name, invite) => createRoom(me(), name, invite),
    join: (roomId) => join(me(), roomId),
    say: (roomId, body) => say(me(), roomId, body),
    read: async (roomId, eventId) => (await decrypted(me(), roomId, eventId)).getContent<{ body: string }>().body,
    scrollBack: (roomId) => scrollBack(me(), roomId),
    leave: async (roomId) => { await me().client.leave(roomId); },
    sendFile: (roomId, source) => sendFile(me(), roomId, source),
    readFile: (roomId, eventId) => readFile(me(), roomId, eventId),
    fileStatus: (roomId, eventId) => fileStatus(me(), roomId, eventId),
    forward: (roomId, eventId, toRoomId) => forward(me(), { roomId, eventId, toRoomId }),
    setAvatar: (picture) => setAvatar(me(), picture),
    seesAvatar: (roomId, userId) => seesAvatar(me(), roomId, userId),
    setUpEncryption: () => setUpEncryption(me()),
    backUp: () => backUp(me()),
    recover: (recoveryKey) => recover(me(), recoveryKey),
    askToVerify: async () => { me().verification = await me().crypto.requestOwnUserVerification(); },
    acceptVerification: () => acceptVerification(me()),
    showSas: () => showSas(me()),
    confirmSas: () => confirmSas(me()),
    holdsCrossSigningKeys: () => holdsCrossSigningKeys(me()),
    seesSigned: (userId, deviceId) => seesSigned(me(), userId, deviceId),
    leaks: async (plaintexts) => me().wire.leaks(plaintexts),
    async logOut() {
      await me().client.logout(true);
      logged = undefined;
    },
  };
}

export async function logIn(account: Account, lasting: boolean): Promise<Logged> {
  const wire = new Wire();
  const { baseUrl } = account;
  const login = await createClient({ baseUrl, fetchFn: wire.fetch }).loginRequest({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: account.userId },
    password: account.password,
    initial_device_display_name: 'Element',
  });
  const keyOf = (id: string | undefined): [string, Uint8Array] | null =>
    id === undefined || logged.secretKey === undefined ? null : [id, logged.secretKey];
  const client = createClient({
    baseUrl,
    fetchFn: wire.fetch,
    userId: login.user_id,
    deviceId: login.device_id,
    accessToken: login.access_token,
    verificationMethods: ['m.sas.v1'],
    cryptoCallbacks: {
      getSecretStorageKey: async ({ keys }) => keyOf(Object.keys(keys)[0]),
      cacheSecretStorageKey: (_id, _info, key) => { logged.secretKey = key; },
    },
  });
  await client.initRustCrypto({ useIndexedDB: lasting });
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error('no crypto');
  const logged: Logged = { client, crypto, wire, account, secretKey: undefined, verification: undefined, sas: undefined };
  client.on(CryptoEvent.VerificationRequestReceived, (request) => { logged.verification = request; });
  const ready = new Promise<void>((resolve) => {
    client.on(ClientEvent.Sync, (state) => { if (state === SyncState.Prepared) resolve(); });
  });
  await client.startClient({ initialSyncLimit: 20, lazyLoadMembers: true, threadSupport: true });
  await ready;
  await showsItsKeys(logged);
  return logged;
}

/** Waits for the device keys to be with the server: they are sent after the first sync, and what others say before that is not encrypted for this device. */
async function showsItsKeys({ client }: Logged): Promise<void> {
  const [userId, deviceId] = [client.getUserId() ?? '', client.getDeviceId() ?? ''];
  await eventually('the keys of the device on the server', async () => (await client.downloadKeysForUsers([userId])).device_keys[userId]?.[deviceId]);
}

export async function createRoom(me: Logged, name: string, invite: readonly string[]): Promise<string> {
  const { room_id: roomId } = await me.client.createRoom({
    name,
    invite: [...invite],
    preset: 'private_chat' as never,
    visibility: 'private' as never,
    initial_state: [
      { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'shared' } },
      { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'forbidden' } },
    ],
  });
  await seesEncryption(me, roomId);
  return roomId;
}

export async function join(me: Logged, roomId: string): Promise<void> {
  const { client } = me;
  await eventually('the invitation', () => (client.getRoom(roomId)?.getMyMembership() === 'invite' ? true : undefined));
  await client.joinRoom(roomId);
  await seesEncryption(me, roomId);
}

/** Waits for the crypto too, which learns of the encryption a little after the room has it: a message in between throws. */
async function seesEncryption({ client, crypto }: Logged, roomId: string): Promise<void> {
  await eventually('the encrypted room in sync', async () =>
    (client.getRoom(roomId)?.hasEncryptionStateEvent() === true && await crypto.isEncryptionEnabledInRoom(roomId)) || undefined);
}

async function say(me: Logged, roomId: string, body: string): Promise<string> {
  await seesEncryption(me, roomId);
  return (await me.client.sendTextMessage(roomId, body)).event_id;
}

export async function scrollBack({ client }: Logged, roomId: string): Promise<void> {
  const room = await eventually('the room in sync', () => client.getRoom(roomId) ?? undefined);
  await client.scrollback(room, 50);
}

export async function setUpEncryption(me: Logged): Promise<string> {
  await me.crypto.bootstrapCrossSigning({ setupNewCrossSigning: true, authUploadDeviceSigningKeys: withPassword(me.account) });
  const recoveryKey = await me.crypto.createRecoveryKeyFromPassphrase();
  await me.crypto.bootstrapSecretStorage({
    setupNewSecretStorage: true,
    setupNewKeyBackup: true,
    createSecretStorageKey: async () => recoveryKey,
  });
  if (!(await me.crypto.isCrossSigningReady())) throw new Error('cross-signing is not ready');
  if (!(await me.crypto.isSecretStorageReady())) throw new Error('secret storage is not ready');
  await eventually('the key backup to be active', async () => (await me.crypto.getActiveSessionBackupVersion()) ?? undefined);
  return recoveryKey.encodedPrivateKey ?? '';
}

/** Asks without `auth` first, as Element does, and answers the interactive authentication the server may then want. */
export function withPassword<Result>(account: Account): UIAuthCallback<Result> {
  return async (makeRequest) => {
    try {
      return await makeRequest(null);
    } catch (error) {
      const { httpStatus, data } = error as { httpStatus?: number; data?: { session?: string } };
      if (httpStatus !== 401 || data?.session === undefined) throw error;
      const identifier = { type: 'm.id.user', user: account.userId };
      return makeRequest({ type: 'm.login.password', session: data.session, identifier, password: account.password } as never);
    }
  };
}

export async function backUp(me: Logged): Promise<void> {
  // matrix-js-sdk waits a random part of ten seconds before it uploads, and keeps what it knows of the backup in a cache.
  await eventually('the backup of all room keys', async () => {
    const known = (await me.crypto.exportRoomKeys()).length;
    const count = await backupCount(me);
    return known > 0 && count >= known ? true : undefined;
  }, { within: PATIENCE, every: 500 });
}

async function backupCount({ client, wire, account }: Logged): Promise<number> {
  const headers = { authorization: `Bearer ${client.getAccessToken() ?? ''}` };
  const response = await wire.fetch(`${account.baseUrl}/_matrix/client/v3/room_keys/version`, { headers });
  return ((await response.json()) as { count: number }).count;
}

export async function recover(me: Logged, recoveryKey: string): Promise<number> {
  me.secretKey = decodeRecoveryKey(recoveryKey);
  // The private keys are accepted only once the public ones are known.
  await me.crypto.userHasCrossSigningKeys(me.account.userId, true);
  await me.crypto.bootstrapCrossSigning({});
  await me.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  if ((await me.crypto.checkKeyBackupAndEnable()) === null) throw new Error('no key backup on the server');
  return (await me.crypto.restoreKeyBackup()).imported;
}

export async function acceptVerification(me: Logged): Promise<void> {
  const request = await eventually('the verification request', () => me.verification);
  await request.accept();
}

export async function showSas(me: Logged): Promise<string> {
  const request = await eventually('the verification request', () => me.verification);
  await eventually('the other device to accept', () => request.phase >= VerificationPhase.Ready || undefined);
  const verifier = request.initiatedByMe
    ? await request.startVerification('m.sas.v1')
    : await eventually('the verification to start', () => request.verifier);
  void verifier.verify().catch(() => undefined);
  me.sas = await eventually('the short authentication string', () => verifier.getShowSasCallbacks() ?? undefined);
  return JSON.stringify([me.sas.sas.decimal, me.sas.sas.emoji]);
}

export async function confirmSas(me: Logged): Promise<void> {
  await me.sas?.confirm();
  await eventually('the end of the verification', () => (me.verification?.phase === VerificationPhase.Done ? true : undefined));
}

async function holdsCrossSigningKeys({ crypto }: Logged): Promise<void> {
  await eventually('the cross-signing keys from the other device', async () => ((await crypto.isCrossSigningReady()) ? true : undefined));
}

async function seesSigned({ crypto }: Logged, userId: string, deviceId: string): Promise<void> {
  await eventually(`${deviceId} to be signed by its owner`, async () => {
    const status = await crypto.getDeviceVerificationStatus(userId, deviceId);
    return status?.signedByOwner === true ? true : undefined;
  });
}

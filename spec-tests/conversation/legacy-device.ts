import Olm from '@matrix-org/olm';
import { eventually, type Account, type Device } from './device.js';
import { Wire } from './wire.js';

// A client of the years before the Rust crypto, by hand: one Olm account, one inbound Megolm session per sender, one outbound per room.

interface EncryptedEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: { readonly algorithm?: string; readonly session_id?: string; readonly ciphertext?: string };
}
interface ToDeviceEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: { readonly sender_key?: string; readonly ciphertext?: Readonly<Record<string, { readonly type: number; readonly body: string }>> };
}
interface SyncAnswer {
  readonly next_batch: string;
  readonly to_device?: { readonly events?: readonly ToDeviceEvent[] };
  readonly rooms?: { readonly join?: Readonly<Record<string, { readonly timeline?: { readonly events?: readonly EncryptedEvent[] } }>> };
}
interface DeviceKeys {
  readonly keys: Readonly<Record<string, string>>;
}
type PerDevice<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

interface Legacy {
  readonly account: Account;
  readonly olm: Olm.Account;
  readonly curve25519: string;
  readonly ed25519: string;
  readonly deviceId: string;
  readonly ask: <T>(method: string, path: string, body?: object) => Promise<T>;
  readonly events: Map<string, EncryptedEvent>;
  readonly inbound: Map<string, Olm.InboundGroupSession>;
  /** Olm sessions with each other device, by its curve25519 key, whoever began them. */
  readonly sessions: Map<string, readonly Olm.Session[]>;
  since: string | undefined;
}

/** A device on @matrix-org/olm, without cross-signing and backup. */
export function legacyDevice(): Device {
  const wire = new Wire();
  let legacy: Legacy | undefined;
  const me = (): Legacy => {
    if (legacy === undefined) throw new Error('not logged in');
    return legacy;
  };
  return {
    async logIn(account) {
      legacy = await logIn(account, wire);
      return legacy.deviceId;
    },
    join: async (roomId) => { await me().ask('POST', `/rooms/${encodeURIComponent(roomId)}/join`, {}); },
    say: (roomId, body) => say(me(), roomId, body),
    read: (roomId, eventId) => read(me(), roomId, eventId),
    leaks: async (plaintexts) => wire.leaks(plaintexts),
    logOut: async () => { await me().ask('POST', '/logout', {}); },
  };
}

async function logIn(account: Account, wire: Wire): Promise<Legacy> {
  await Olm.init();
  const anonymous = asker(account.baseUrl, wire);
  const login = await anonymous<{ device_id: string; access_token: string }>('POST', '/login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: account.userId },
    password: account.password,
  });
  const olm = new Olm.Account();
  olm.create();
  const { curve25519, ed25519 } = JSON.parse(olm.identity_keys()) as { curve25519: string; ed25519: string };
  const ask = asker(account.baseUrl, wire, login.access_token);
  const me: Legacy = {
    account, olm, curve25519, ed25519, ask, deviceId: login.device_id, events: new Map(), inbound: new Map(), sessions: new Map(), since: undefined,
  };
  await uploadKeys(me);
  return me;
}

async function uploadKeys(me: Legacy): Promise<void> {
  const { olm, account, deviceId } = me;
  olm.generate_one_time_keys(20);
  const { curve25519 } = JSON.parse(olm.one_time_keys()) as { curve25519: Record<string, string> };
  await me.ask('POST', '/keys/upload', {
    device_keys: signed(me, {
      algorithms: ['m.megolm.v1.aes-sha2', 'm.olm.v1.curve25519-aes-sha2'],
      device_id: deviceId,
      keys: { [`curve25519:${deviceId}`]: me.curve25519, [`ed25519:${deviceId}`]: me.ed25519 },
      user_id: account.userId,
    }),
    one_time_keys: Object.fromEntries(
      Object.entries(curve25519).map(([id, key]) => [`signed_curve25519:${id}`, signed(me, { key })]),
    ),
  });
  olm.mark_keys_as_published();
}

/** The members are given in the order of canonical JSON. https://spec.matrix.org/v1.19/appendices/#signing-json */
function signed(me: Legacy, value: object): object {
  return { ...value, signatures: { [me.account.userId]: { [`ed25519:${me.deviceId}`]: me.olm.sign(JSON.stringify(value)) } } };
}

async function read(me: Legacy, roomId: string, eventId: string): Promise<string> {
  const [event, session] = await eventually(`the legacy device to decrypt ${eventId}`, async () => {
    const event = me.events.get(eventId);
    const session = event && me.inbound.get(event.content.session_id ?? '');
    if (event !== undefined && session !== undefined) return [event, session] as const;
    await syncOnce(me);
    return undefined;
  });
  const plain = JSON.parse(session.decrypt(event.content.ciphertext ?? '').plaintext) as { room_id: string; content: { body: string } };
  if (plain.room_id !== roomId) throw new Error('a ciphertext of another room');
  return plain.content.body;
}

async function syncOnce(me: Legacy): Promise<void> {
  const since = me.since === undefined ? '' : `&since=${encodeURIComponent(me.since)}`;
  const answer = await me.ask<SyncAnswer>('GET', `/sync?timeout=2000${since}`);
  me.since = answer.next_batch;
  for (const event of answer.to_device?.events ?? []) receiveOlm(me, event);
  for (const room of Object.values(answer.rooms?.join ?? {})) {
    for (const event of room.timeline?.events ?? []) if (event.type === 'm.room.encrypted') me.events.set(event.event_id, event);
  }
}

function receiveOlm(me: Legacy, event: ToDeviceEvent): void {
  const senderKey = event.content.sender_key;
  const message = event.content.ciphertext?.[me.curve25519];
  if (event.type !== 'm.room.encrypted' || senderKey === undefined || message === undefined) return;
  const plain = JSON.parse(decryptOlm(me, senderKey, message)) as { type: string; content: { session_id: string; session_key: string } };
  if (plain.type !== 'm.room_key') return;
  const inbound = new Olm.InboundGroupSession();
  inbound.create(plain.content.session_key);
  me.inbound.set(plain.content.session_id, inbound);
}

function decryptOlm(me: Legacy, senderKey: string, { type, body }: { readonly type: number; readonly body: string }): string {
  for (const session of me.sessions.get(senderKey) ?? []) {
    try {
      return session.decrypt(type, body);
    } catch {
      continue; // A message of another session with the same device.
    }
  }
  const session = new Olm.Session();
  session.create_inbound_from(me.olm, senderKey, body);
  me.olm.remove_one_time_keys(session);
  remember(me, senderKey, session);
  return session.decrypt(type, body);
}

function remember({ sessions }: Legacy, theirKey: string, session: Olm.Session): void {
  sessions.set(theirKey, [...(sessions.get(theirKey) ?? []), session]);
}

/** Makes a Megolm session of its own for every message: wasteful, and enough. */
async function say(me: Legacy, roomId: string, body: string): Promise<string> {
  const room = encodeURIComponent(roomId);
  const group = new Olm.OutboundGroupSession();
  group.create();
  const inbound = new Olm.InboundGroupSession();
  inbound.create(group.session_key());
  me.inbound.set(group.session_id(), inbound);
  const { joined } = await me.ask<{ joined: Record<string, unknown> }>('GET', `/rooms/${room}/joined_members`);
  await shareRoomKey(me, Object.keys(joined), {
    algorithm: 'm.megolm.v1.aes-sha2', room_id: roomId, session_id: group.session_id(), session_key: group.session_key(),
  });
  const plain = { room_id: roomId, type: 'm.room.message', content: { msgtype: 'm.text', body } };
  const { event_id: eventId } = await me.ask<{ event_id: string }>('PUT', `/rooms/${room}/send/m.room.encrypted/${group.session_id().slice(0, 10).replaceAll('/', '_')}`, {
    algorithm: 'm.megolm.v1.aes-sha2',
    ciphertext: group.encrypt(JSON.stringify(plain)),
    device_id: me.deviceId,
    sender_key: me.curve25519,
    session_id: group.session_id(),
  });
  return eventId;
}

async function shareRoomKey(me: Legacy, members: readonly string[], roomKey: { readonly session_id: string; readonly [name: string]: string }): Promise<void> {
  const { device_keys: devices } = await me.ask<{ device_keys: PerDevice<DeviceKeys> }>('POST', '/keys/query', {
    device_keys: Object.fromEntries(members.map((userId) => [userId, []])),
  });
  const others = Object.entries(devices).flatMap(([userId, own]) =>
    Object.entries(own).filter(([deviceId]) => deviceId !== me.deviceId).map(([deviceId, { keys }]) => ({ userId, deviceId, keys })));
  const wanted: Record<string, Record<string, string>> = {};
  for (const { userId, deviceId } of others) (wanted[userId] ??= {})[deviceId] = 'signed_curve25519';
  const claimed = await me.ask<{ one_time_keys: PerDevice<Record<string, { key: string }>> }>('POST', '/keys/claim', { one_time_keys: wanted });
  const messages: Record<string, Record<string, object>> = {};
  for (const { userId, deviceId, keys } of others) {
    const oneTime = Object.values(claimed.one_time_keys[userId]?.[deviceId] ?? {})[0];
    if (oneTime === undefined) throw new Error(`no one-time key of ${deviceId}`);
    const theirs = { userId, curve25519: keys[`curve25519:${deviceId}`] ?? '', ed25519: keys[`ed25519:${deviceId}`] ?? '', oneTime: oneTime.key };
    (messages[userId] ??= {})[deviceId] = olmMessage(me, theirs, roomKey);
  }
  await me.ask('PUT', `/sendToDevice/m.room.encrypted/k${roomKey.session_id.slice(0, 10).replaceAll('/', '_')}`, { messages });
}

interface Recipient {
  readonly userId: string;
  readonly curve25519: string;
  readonly ed25519: string;
  readonly oneTime: string;
}

/** https://spec.matrix.org/v1.19/client-server-api/#molmv1curve25519-aes-sha2 */
function olmMessage(me: Legacy, to: Recipient, roomKey: object): object {
  const session = new Olm.Session();
  session.create_outbound(me.olm, to.curve25519, to.oneTime);
  remember(me, to.curve25519, session);
  const plain = {
    type: 'm.room_key',
    content: roomKey,
    sender: me.account.userId,
    sender_device: me.deviceId,
    keys: { ed25519: me.ed25519 },
    recipient: to.userId,
    recipient_keys: { ed25519: to.ed25519 },
  };
  const message = session.encrypt(JSON.stringify(plain));
  return { algorithm: 'm.olm.v1.curve25519-aes-sha2', sender_key: me.curve25519, ciphertext: { [to.curve25519]: message } };
}

function asker(baseUrl: string, wire: Wire, token?: string): Legacy['ask'] {
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await wire.fetch(`${baseUrl}/_matrix/client/v3${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
}

import { createHash } from 'node:crypto';
import { ensureDevice } from '../auth/devices-store.js';
import type { Session } from '../auth/session.js';
import { sessionOf } from '../auth/session.testing.js';
import { createUser } from '../auth/users-store.js';
import type { Clock } from '../matrix/clock.js';
import type { Membership } from '../matrix/event-auth.js';
import { newUserId, parseDeviceId, parseServerName } from '../matrix/identifiers.js';
import { JsonText, type Reply } from '../matrix/reply.js';
import type { JsonObject } from '../matrix/schema.js';
import type { SigningKey } from '../matrix/signing.js';
import { newSigningKey } from '../matrix/signing.js';
import { sql, type Database, type Transaction } from '../storage/database.js';
import { PublishedKeysMemory } from './published-keys.js';
import type { ToDeviceObserver } from './to-device.js';
import type { Engine } from '../storage/engines.testing.js';
import { advance, currentPosition, newNid } from '../storage/stream.js';

/** A shard of people, devices and rooms, as bare as the keys of devices need it. */
export interface TestShard {
  readonly db: Database;
  /** Stands still. */
  readonly clock: Clock;
  readonly publishedKeys: PublishedKeysMemory;
  /** Does nothing. */
  readonly toDeviceObserver: ToDeviceObserver;
  /** Logs a person in on a device, registering them first if need be. */
  session(localpart: string, deviceId: string, account?: { displayName?: string; passwordHash?: string }): Promise<Session>;
  room(...joined: readonly Session[]): Promise<number>;
  setMembership(roomNid: number, session: Session, membership: Membership): Promise<void>;
  position(): Promise<number>;
  drop(): Promise<void>;
}

const server = parseServerName('shard.example');
const NO_PASSWORD = '$argon2id$none';

export async function openShard(engine: Engine): Promise<TestShard> {
  const { db, drop } = await engine.open();
  return {
    db,
    clock: () => 0,
    publishedKeys: new PublishedKeysMemory(),
    toDeviceObserver: { onToDevice: async () => undefined },
    drop,
    session: (localpart, deviceId, account = {}) => db.transaction((tx) => logIn(tx, localpart, deviceId, account)),
    room: (...joined) => db.transaction(async (tx) => {
      const roomNid = await newRoom(tx, joined[0]?.userNid ?? 0);
      for (const session of joined) await changeMembership(tx, roomNid, session, 'join');
      return roomNid;
    }),
    setMembership: (roomNid, session, membership) => db.transaction((tx) => changeMembership(tx, roomNid, session, membership)),
    position: () => db.read(currentPosition),
  };
}

/** What a client would read of an answer. */
export function read(reply: Reply): JsonObject {
  return JSON.parse(reply instanceof JsonText ? reply.text : JSON.stringify(reply)) as JsonObject;
}

/** A body as a handler is given it. */
export function sent<Body extends object>(body: Body): { readonly body: Body; readonly bodyBytes: Buffer } {
  return { body, bodyBytes: Buffer.from(JSON.stringify(body)) };
}

/** A device's or a cross-signing key: `ed25519:` and its name (its own public key when none is given). The seed makes it. */
export function testKey(seed: string, name?: string): SigningKey {
  const key = newSigningKey((bytes) => createHash('sha256').update(seed).digest().subarray(0, bytes));
  return { ...key, keyId: `ed25519:${name ?? key.publicKey}` };
}

async function logIn(tx: Transaction, localpart: string, id: string, account: { displayName?: string; passwordHash?: string }): Promise<Session> {
  const userId = newUserId(localpart, server);
  const known = await tx.one<{ user_nid: number }>(sql`SELECT user_nid FROM users WHERE user_id = ${userId}`);
  const userNid = known?.user_nid ?? (await createUser(tx, { userId, passwordHash: account.passwordHash ?? NO_PASSWORD, isAdmin: false, now: 0 }));
  if (userNid === undefined) throw new Error(`${localpart} could not be registered`);
  const deviceId = parseDeviceId(id);
  const { device_nid: deviceNid } = await ensureDevice(tx, { userNid, deviceId, displayName: account.displayName, ip: '::1', now: 0 });
  return sessionOf({ userNid, userId, deviceNid, deviceId });
}

async function newRoom(tx: Transaction, founderNid: number): Promise<number> {
  const roomNid = await newNid(tx);
  const json = JSON.stringify({ content: { algorithm: 'm.megolm.v1.aes-sha2' }, state_key: '', type: 'm.room.encryption' });
  const position = await insertEvent(tx, { roomNid, seq: 1, type: 'm.room.encryption', stateKey: '', senderNid: founderNid, json });
  await tx.run(sql`
    INSERT INTO current_state (room_nid, type, state_key, seq, position, since_seq)
    VALUES (${roomNid}, 'm.room.encryption', '', 1, ${position}, 1)`);
  await tx.run(sql`
    INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
    VALUES (${roomNid}, ${`!${roomNid}:shard.example`}, '11', 1, ${position}, 1, 1, '[]', 0, 0, 0)`);
  return roomNid;
}

async function changeMembership(tx: Transaction, roomNid: number, { userId, userNid }: Session, membership: Membership): Promise<void> {
  const tip = await tx.one<{ seq: number }>(sql`UPDATE rooms SET seq = seq + 1 WHERE room_nid = ${roomNid} RETURNING seq`);
  const seq = tip?.seq ?? 0;
  const json = JSON.stringify({ content: { membership }, state_key: userId, type: 'm.room.member' });
  const position = await insertEvent(tx, { roomNid, seq, type: 'm.room.member', stateKey: userId, senderNid: userNid, json });
  await tx.run(sql`
    INSERT INTO past_state (room_nid, type, state_key, seq, since_seq, until_seq)
    SELECT room_nid, 'm.room.member', ${userId}, seq, seq, CAST(${seq} AS BIGINT) FROM memberships WHERE room_nid = ${roomNid} AND user_nid = ${userNid}`);
  await tx.run(sql`
    INSERT INTO memberships (room_nid, user_nid, membership, seq, position, changed_seq, notify_sum, highlight_sum)
    VALUES (${roomNid}, ${userNid}, ${membership}, ${seq}, ${position}, ${seq}, 0, 0)
    ON CONFLICT (room_nid, user_nid) DO UPDATE SET membership = excluded.membership, seq = excluded.seq,
      position = excluded.position, changed_seq = excluded.changed_seq`);
}

interface TestEvent {
  readonly roomNid: number;
  readonly seq: number;
  readonly type: string;
  readonly stateKey: string;
  readonly senderNid: number;
  readonly json: string;
}

async function insertEvent(tx: Transaction, { roomNid, seq, type, stateKey, senderNid, json }: TestEvent): Promise<number> {
  const position = await advance(tx, []);
  await tx.run(sql`
    INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
    VALUES (${roomNid}, ${seq}, ${position}, ${`$${position}`}, ${type}, ${stateKey}, ${senderNid}, 0, ${json}, '{}', 0, 0)`);
  return position;
}

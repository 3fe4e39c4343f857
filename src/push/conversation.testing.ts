import { randomBytes } from 'node:crypto';
import { createAppServices } from '../auth/app-services.js';
import { free } from '../auth/people.testing.js';
import { ensureDevice } from '../auth/devices-store.js';
import type { Session } from '../auth/session.js';
import { sessionOf } from '../auth/session.testing.js';
import { createUser } from '../auth/users-store.js';
import { newUserId, parseDeviceId, parseServerName, type EventId, type RoomId } from '../matrix/identifiers.js';
import { newSigningKey } from '../matrix/signing.js';
import type { EventObserver } from '../rooms/append.js';
import { createRoom } from '../rooms/create-room.js';
import { banUser, inviteUser, joinRoomById, leaveRoom } from '../rooms/membership.js';
import { sendReceipt } from '../rooms/receipts.js';
import { StateCache } from '../rooms/room-state.js';
import { findRoom } from '../rooms/rooms-store.js';
import { redactMessage } from '../rooms/redact.js';
import { sendMessage } from '../rooms/send.js';
import { setState } from '../rooms/set-state.js';
import type { RoomWriting } from '../rooms/writing.js';
import type { Ruleset } from '../matrix/push-rules.js';
import { sql } from '../storage/database.js';
import type { Engine } from '../storage/engines.testing.js';
import { newNid } from '../storage/stream.js';
import { pushDifferences } from './differences.js';
import { pushCountWhenRead } from './tasks.js';

/** People who talk in rooms, by the very functions that serve requests; the time stands still. */
export async function openConversation(engine: Engine, observers: readonly EventObserver[] = [pushDifferences]) {
  const { db, drop } = await engine.open();
  const deps = {
    db,
    clock: () => 1_000_000,
    random: randomBytes,
    signer: { serverName: parseServerName('shard.example'), key: newSigningKey(randomBytes) },
    states: new StateCache(),
    observers,
    memberProfile: async () => ({}),
    inviteObserver: { onInvite: async () => undefined },
    inviteBrakes: { perIssuer: free, perRoom: free, perUser: free },
    maxRoomMembers: 2000,
    writeRoomAccountData: async () => undefined,
    readObserver: pushCountWhenRead,
    defaultRoomVersion: '11',
    appServices: createAppServices([], parseServerName('shard.example')),
  } satisfies RoomWriting & Record<string, unknown>;
  let last = 0;
  const next = (): string => `t${(last += 1)}`;
  const say = async (session: Session, roomId: RoomId, relatesTo?: object): Promise<EventId> => {
    const body = { ...sealed(), ...(relatesTo === undefined ? {} : { 'm.relates_to': relatesTo as Record<string, string> }) };
    return (await sendMessage(deps, { session, params: { roomId, eventType: 'm.room.encrypted', txnId: next() }, body })).event_id;
  };
  return {
    ...deps,
    drop,
    say,
    sayInThread: (session: Session, roomId: RoomId, root: EventId) => say(session, roomId, { rel_type: 'm.thread', event_id: root }),
    person: (name: string): Promise<Session> => logIn(db, name),
    /** A room that the others have been invited to and joined; its id. */
    room: async (founder: Session, ...others: readonly Session[]): Promise<RoomId> => {
      const { room_id: roomId } = await createRoom(deps, { session: founder, body: { invite: others.map(({ userId }) => userId) } });
      for (const session of others) await joinRoomById(deps, { session, params: { roomId }, body: {} });
      return roomId;
    },
    invite: (session: Session, roomId: RoomId, { userId }: Session) => inviteUser(deps, { session, params: { roomId }, body: { user_id: userId } }),
    join: (session: Session, roomId: RoomId) => joinRoomById(deps, { session, params: { roomId }, body: {} }),
    leave: (session: Session, roomId: RoomId) => leaveRoom(deps, { session, params: { roomId }, body: {} }),
    ban: (session: Session, roomId: RoomId, { userId }: Session) => banUser(deps, { session, params: { roomId }, body: { user_id: userId } }),
    redact: (session: Session, roomId: RoomId, eventId: EventId) => redactMessage({ ...deps, redactionBrakes: undefined }, { session, params: { roomId, eventId, txnId: next() }, body: {} }),
    name: (session: Session, roomId: RoomId, name: string) =>
      setState(deps, { session, params: { roomId, eventType: 'm.room.name', stateKey: '' }, body: { name } }),
    read: (session: Session, roomId: RoomId, eventId: EventId, threadId?: string) =>
      sendReceipt(deps, { session, params: { roomId, receiptType: 'm.read', eventId }, body: threadId === undefined ? {} : { thread_id: threadId } }),
    /** Rules of a person's own; those who are in a room already are marked there. */
    setRules: (session: Session, ruleset: Ruleset) => db.transaction(async (tx) => {
      await tx.run(sql`INSERT INTO push_rules (user_nid, ruleset, position) VALUES (${session.userNid}, ${JSON.stringify(ruleset)}, ${await newNid(tx)})`);
      await tx.run(sql`UPDATE memberships SET has_own_push_rules = 1 WHERE user_nid = ${session.userNid}`);
    }),
    nid: async (roomId: RoomId): Promise<number> => (await db.read((tx) => findRoom(tx, roomId)))?.room_nid ?? 0,
  };
}

export type Conversation = Awaited<ReturnType<typeof openConversation>>;

async function logIn(db: Conversation['db'], name: string): Promise<Session> {
  const userId = newUserId(name, parseServerName('shard.example'));
  const deviceId = parseDeviceId(`${name}1`);
  return db.transaction(async (tx) => {
    const userNid = (await createUser(tx, { userId, passwordHash: '$argon2id$none', isAdmin: false, now: 0 })) ?? 0;
    const { device_nid: deviceNid } = await ensureDevice(tx, { userNid, deviceId, displayName: undefined, ip: '::1', now: 0 });
    return sessionOf({ userNid, userId, deviceNid, deviceId });
  });
}

/** Megolm framing around nothing. https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md#message-format */
function sealed(): Record<string, string> {
  const framed = Buffer.concat([Buffer.from([3, 0x08, 0, 0x12, 16]), randomBytes(16 + 8 + 64)]);
  return { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: framed.toString('base64').replace(/=+$/, ''), session_id: 'A'.repeat(43) };
}

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Session } from '../auth/session.js';
import { sessionOf } from '../auth/session.testing.js';
import { parseDeviceId, parseEventId, parseRoomId, parseServerName, parseUserId } from '../matrix/identifiers.js';
import type { AppendedEvent } from '../rooms/append.js';
import { putMembership } from '../rooms/memberships-store.js';
import { putState } from '../rooms/state-store.js';
import { sql, type Database, type Transaction } from '../storage/database.js';
import type { Engine } from '../storage/engines.testing.js';
import { advance } from '../storage/stream.js';
import { directoryStore } from './blob-store.js';
import { mediaGrants } from './granting.js';
import { leaveFor, takeLeave, useLeave, type Leave } from './grants.js';
import { ensureMediaKey } from './media-key.js';
import { uploadMedia } from './upload.js';

export const serverName = parseServerName('shard.example');

/** A shard with a media store, a clock that stands still until moved, and people and rooms as a test asks for. */
export async function openShard(engine: Engine) {
  const { db, drop } = await engine.open();
  const folder = await mkdtemp(join(tmpdir(), 'cloison-'));
  const time = { now: 1_700_000_000_000 };
  const alarms: object[] = [];
  await db.transaction((tx) => tx.run(sql`INSERT INTO shard (only_row, name, created_ts) VALUES (1, ${serverName}, 0)`));
  return {
    db,
    time,
    folder: join(folder, 'media'),
    clock: () => time.now,
    random: randomBytes,
    serverName,
    maxUploadSize: 1_000_000,
    quotas: { perUser: 0, perShard: 0 },
    alarms,
    inferenceAlarm: { perHour: 3, sound: (signal: object) => { alarms.push(signal); } },
    blobs: await directoryStore(join(folder, 'media')),
    mediaKey: await ensureMediaKey(join(folder, 'media.key'), randomBytes),
    close: async () => {
      await drop();
      await rm(folder, { recursive: true });
    },
  };
}

export type Shard = Awaited<ReturnType<typeof openShard>>;

/** A person with one device; the nids must be told apart by the test. */
export async function person(db: Database, name: string, nid: number): Promise<Session> {
  const userId = parseUserId(`@${name}:shard.example`);
  await db.transaction((tx) => tx.run(sql`
    INSERT INTO users (user_nid, user_id, is_account, created_ts) VALUES (${nid}, ${userId}, 1, 0)`));
  return sessionOf({ userNid: nid, userId, deviceNid: nid + 1, deviceId: parseDeviceId(`${name}1`) });
}

/** A room of bare rows: its encryption, and whatever the test says happens in it. */
export class Room {
  #seq = 0;

  private constructor(readonly db: Database, readonly nid: number, readonly founder: Session) {}

  static async open(db: Database, nid: number, founder: Session): Promise<Room> {
    const room = new Room(db, nid, founder);
    await db.transaction(async (tx) => {
      await room.#event(tx, 'm.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2' });
      await tx.run(sql`
        INSERT INTO rooms (room_nid, room_id, room_version, seq, position, state_seq, depth, extremities, notify_sum, highlight_sum, thread_seq)
        VALUES (${nid}, ${`!${nid}:shard.example`}, '11', 1, 1, 1, 1, '[]', 0, 0, 0)`);
    });
    await room.member(founder, 'join');
    return room;
  }

  async member(who: Session, membership: 'join' | 'invite' | 'leave'): Promise<void> {
    await this.db.transaction(async (tx) => {
      const seq = await this.#event(tx, 'm.room.member', who.userId, { membership });
      await putMembership(tx, { roomNid: this.nid, userNid: who.userNid, membership, seq, position: seq, notify_sum: 0, highlight_sum: 0 });
    });
  }

  async visibility(history_visibility: 'joined' | 'invited' | 'shared'): Promise<void> {
    await this.db.transaction((tx) => this.#event(tx, 'm.room.history_visibility', '', { history_visibility }));
  }

  /** Sends from a device here, or (without one) as if from elsewhere. */
  async send(who: Session, now: number, from: { type?: string; deviceNid?: number; attachMedia?: readonly string[] } = { deviceNid: who.deviceNid }): Promise<void> {
    await this.db.transaction(async (tx) => {
      this.#seq += 1;
      // A draw from the stream, as every event makes one: what was served before it stands before it.
      const position = await advance(tx, []);
      const event: AppendedEvent = {
        roomNid: this.nid,
        roomId: parseRoomId(`!${this.nid}:shard.example`),
        seq: this.#seq,
        position,
        eventId: parseEventId(`$${this.nid}-${this.#seq}`),
        type: 'm.room.encrypted',
        senderNid: who.userNid,
        sender: who.userId,
        content: {},
        byDefault: { notify: 0, highlight: 0 },
        now,
        ...from,
      };
      await mediaGrants(serverName).onEvent(tx, event);
    });
  }

  /** Hangs up a picture; resolves to the seq of the event. */
  async avatar(who: Session, url: string, now: number): Promise<number> {
    return this.db.transaction(async (tx) => {
      const seq = await this.#event(tx, 'm.room.avatar', '', { url });
      const event = { roomNid: this.nid, roomId: parseRoomId(`!${this.nid}:shard.example`), seq, position: seq, eventId: parseEventId(`$${this.nid}-${seq}`) };
      const by = { senderNid: who.userNid, sender: who.userId, content: { url }, byDefault: { notify: 0, highlight: 0 }, now };
      await mediaGrants(serverName).onEvent(tx, { ...event, type: 'm.room.avatar', stateKey: '', ...by });
      return seq;
    });
  }

  async redactState(seq: number, type: string, now: number): Promise<void> {
    const json = JSON.stringify({ content: {}, state_key: '', type });
    await this.db.transaction(async (tx) => {
      await tx.run(sql`UPDATE events SET json = ${json}, redacted_by_seq = ${seq} WHERE room_nid = ${this.nid} AND seq = ${seq}`);
      await mediaGrants(serverName).onRedaction?.(tx, { roomNid: this.nid, seq, now });
    });
  }

  /** Redacts the message sent last. */
  async redactMessage(who: Session, now: number): Promise<void> {
    const json = JSON.stringify({ content: {}, type: 'm.room.encrypted' });
    await this.db.transaction(async (tx) => {
      await tx.run(sql`
        INSERT INTO events (room_nid, seq, position, event_id, type, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum, redacted_by_seq)
        VALUES (${this.nid}, ${this.#seq}, ${this.#seq}, ${`$${this.nid}-${this.#seq}`}, 'm.room.encrypted', ${who.userNid}, 0, ${json}, '{}', 0, 0, ${this.#seq})`);
      await mediaGrants(serverName).onRedaction?.(tx, { roomNid: this.nid, seq: this.#seq, now });
    });
  }

  async #event(tx: Transaction, type: string, stateKey: string, content: object): Promise<number> {
    this.#seq += 1;
    const seq = this.#seq;
    await tx.run(sql`
      INSERT INTO events (room_nid, seq, position, event_id, type, state_key, sender_nid, origin_server_ts, json, pdu, notify_sum, highlight_sum)
      VALUES (${this.nid}, ${seq}, ${seq}, ${`$${this.nid}-${seq}`}, ${type}, ${stateKey}, ${this.founder.userNid}, 0,
        ${JSON.stringify({ content, state_key: stateKey, type })}, '{}', 0, 0)`);
    await putState(tx, { roomNid: this.nid, type, stateKey, seq, position: seq });
    return seq;
  }
}

/** Uploads as the API does; resolves to the media id. */
export async function upload(shard: Shard, session: Session, content: Buffer | Readable = randomBytes(1000)): Promise<string> {
  const stream = Buffer.isBuffer(content) ? Readable.from([content], { objectMode: false }) : content;
  const call = { session, stream, contentType: 'application/octet-stream', contentLength: undefined };
  const { content_uri } = await uploadMedia(shard, call);
  return content_uri.slice(`mxc://${serverName}/`.length);
}

export function leaveOf(shard: Shard, who: Session, mediaId: string): Promise<Leave | undefined> {
  return shard.db.read((tx) => leaveFor(tx, who, { serverName, mediaId }, shard.time.now));
}

/** Serves a blob as a download does, but for its bytes. */
export async function serveTo(shard: Shard, who: Session, mediaId: string): Promise<void> {
  const served = { what: 'download', bytes: 1, now: shard.time.now } as const;
  await takeLeave(shard, who, { serverName, mediaId });
  await shard.db.transaction((tx) => useLeave(shard, tx, who, { serverName, mediaId }, served));
}

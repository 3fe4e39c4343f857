import type { BrakeWithin } from '../auth/brakes.js';
import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { MatrixError } from '../matrix/errors.js';
import { eachMember, endOfValue } from '../matrix/json-text.js';
import { anyObject, object, record } from '../matrix/schema.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { advance, holdStream, type Range } from '../storage/stream.js';
import { devicesIn, type PersonWithDevice } from './people-store.js';
import { knownPeople } from './people.js';
import { deleteToDevice, forgetTransactions, insertToDevice, putTransaction, toDeviceIn } from './to-device-store.js';

export const ToDevice = object({ messages: record(record(anyObject)) });

/** Told of every message to devices, in its very transaction; given from above. */
export interface ToDeviceObserver {
  onToDevice(
    tx: Transaction,
    sent: { readonly type: string; readonly deviceNid: number; readonly senderNid: number; readonly recipients: readonly number[]; readonly now: number },
  ): Promise<void>;
}

const DAY_MS = 86_400_000;
/** As of an event. https://spec.matrix.org/v1.19/client-server-api/#size-limits */
const MOST_BYTES = 65_536;
const MOST_MESSAGES = 5000;
/** Of one request, what `*` stands for included. */
const MOST_BYTES_AT_ONCE = 67_108_864;

export interface ToDeviceDeps {
  readonly db: Database;
  readonly clock: Clock;
  /** How many bytes one person may put before devices: refuses with M_LIMIT_EXCEEDED, after which clients send the same again. */
  readonly toDeviceBrake: BrakeWithin;
  /** How many other people one device may ask for room keys. */
  readonly keyRequestBrake: BrakeWithin;
  readonly toDeviceObserver: ToDeviceObserver;
}

/**
 * Puts a message before each named device, once for a device, type and transaction id. To strangers nothing is sent, and nobody
 * is told (RULES B13). https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid
 */
export function sendToDevice(
  deps: ToDeviceDeps,
  { session, params, bodyBytes }: { session: Session; params: { eventType: string; txnId: string }; bodyBytes: Buffer },
): Promise<object> {
  const now = deps.clock();
  // While it waits for its turn a request keeps nothing but bytes, which lie outside the collected heap: an async function would keep all of the call.
  return deps.db.transaction(async (tx) => {
    const texts = readMessages(session, params.eventType, bodyBytes.toString());
    if (!await putTransaction(tx, { deviceNid: session.deviceNid, type: params.eventType, txnId: params.txnId, now })) return {};
    const devices = await devicesIn(tx, knownPeople(session, [...texts.keys()], now));
    const recipients = [...new Set(devices.map(({ nid }) => nid))];
    const messages = addressed(texts, devices);
    await deps.toDeviceBrake.spendWithin(tx, session.userId, bytesOf(messages));
    if (params.eventType === 'm.room_key_request') await brakeKeyRequests(tx, deps, session, recipients);
    await deliver(tx, messages);
    const { deviceNid, userNid: senderNid } = session;
    await deps.toDeviceObserver.onToDevice(tx, { type: params.eventType, deviceNid, senderNid, recipients, now });
    return {};
  });
}

/** The device's messages in order, at most `limit`; `upTo` is how far the stream has been told when these are received. */
export async function toDeviceSince(
  tx: ReadTransaction,
  deviceNid: number,
  range: Range,
  limit = 100,
): Promise<{ readonly texts: readonly string[]; readonly upTo: number }> {
  const rows = await toDeviceIn(tx, deviceNid, range, limit);
  const last = rows.at(-1);
  return { texts: rows.map((row) => row.json), upTo: rows.length === limit && last !== undefined ? last.position : range.upTo };
}

/** Forgets which requests were made more than a day ago, which no client makes again; resolves to how many. */
export async function forgetOldTransactions({ db, clock }: Pick<ToDeviceDeps, 'db' | 'clock'>, atOnce = 1000): Promise<number> {
  const before = clock() - DAY_MS;
  let forgotten = 0;
  for (;;) {
    const some = await db.transaction(async (tx) => {
      await holdStream(tx);
      return forgetTransactions(tx, before, atOnce);
    });
    forgotten += some;
    if (some < atOnce) return forgotten;
  }
}

/** Forgets what the device has said it received. */
export async function acknowledgeToDevice(tx: Transaction, deviceNid: number, upTo: number): Promise<void> {
  await deleteToDevice(tx, deviceNid, upTo);
}

/** Asking one's own devices is free. */
async function brakeKeyRequests(tx: Transaction, { keyRequestBrake }: ToDeviceDeps, session: Session, recipients: readonly number[]): Promise<void> {
  const others = recipients.filter((nid) => nid !== session.userNid).length;
  if (others > 0) await keyRequestBrake.spendWithin(tx, `${session.userId} ${session.deviceId}`, others);
}

/** What to keep for each user and device named in the text of a `ToDevice`, `*` among them; refuses what is too large. */
function readMessages(session: Session, type: string, bodyText: string): ReadonlyMap<string, ReadonlyMap<string, Written>> {
  const before = `{"sender":${JSON.stringify(session.userId)},"type":${JSON.stringify(type)},"content":`;
  const people = new Map<string, Map<string, Written>>();
  const messagesOf = (devices: Map<string, Written>) => (deviceId: string, at: number): number => {
    const end = endOfValue(bodyText, at);
    devices.set(deviceId, written(before, bodyText.slice(at, end)));
    return end;
  };
  eachMember(bodyText, 0, (name, messages) => {
    if (name !== 'messages') return endOfValue(bodyText, messages);
    return eachMember(bodyText, messages, (userId, ofPerson) => {
      const devices = new Map<string, Written>();
      people.set(userId, devices);
      return eachMember(bodyText, ofPerson, messagesOf(devices));
    });
  });
  return people;
}

function written(before: string, content: string): Written {
  // Counted in parts: to count the whole would make a copy of it.
  const bytes = Buffer.byteLength(before) + Buffer.byteLength(content) + 1;
  if (bytes > MOST_BYTES) throw new MatrixError('M_TOO_LARGE', `A message may have at most ${MOST_BYTES} bytes`);
  return { json: `${before}${content}}`, bytes };
}

interface Written {
  readonly json: string;
  readonly bytes: number;
}

interface Addressed extends Written {
  readonly device_nid: number;
}

function addressed(texts: ReadonlyMap<string, ReadonlyMap<string, Written>>, devices: readonly PersonWithDevice[]): readonly Addressed[] {
  const messages: Addressed[] = [];
  for (const { id, device_nid, device_id } of devices) {
    if (device_id === null) continue;
    const ofPerson = texts.get(id);
    const written = ofPerson?.get(device_id) ?? ofPerson?.get('*');
    if (written !== undefined) messages.push({ device_nid, json: written.json, bytes: written.bytes });
  }
  return messages;
}

function bytesOf(messages: readonly Addressed[]): number {
  if (messages.length > MOST_MESSAGES) throw new MatrixError('M_TOO_LARGE', `At most ${MOST_MESSAGES} messages may be sent at once`);
  const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
  if (bytes > MOST_BYTES_AT_ONCE) throw new MatrixError('M_TOO_LARGE', `At most ${MOST_BYTES_AT_ONCE} bytes may be sent at once`);
  return bytes;
}

async function deliver(tx: Transaction, messages: readonly Addressed[]): Promise<void> {
  if (messages.length === 0) return;
  const last = await advance(tx, messages.map(({ device_nid }) => `toDevice/${device_nid}` as const), messages.length);
  const first = last - messages.length + 1;
  await insertToDevice(tx, messages.map(({ device_nid, json }, i) => ({ device_nid, position: first + i, json })));
}

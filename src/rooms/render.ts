import type { RoomId } from '../matrix/identifiers.js';
import type { JsonObject } from '../matrix/schema.js';
import { contentText, eventIdOf, senderText } from './event-text.js';
import { asidesOf, type Aside, type EventRow } from './events-store.js';
import type { Replacing } from './visibility.js';

/** For whom an event is rendered: what goes into `unsigned` depends on it. */
export interface Viewer {
  readonly deviceNid: number;
  readonly now: number;
  /** The viewer's membership just after an event of the room. */
  readonly membershipAt: (seq: number) => string;
  /** Whether the viewer may know what a state event took the place of (RULES D9). */
  readonly knowsReplaced: (event: Replacing) => boolean;
  /** What an event of somebody who was erased is shown with in place of its own text. */
  readonly erasedText?: ((row: EventRow) => string | undefined) | undefined;
}

/**
 * The client format of a stored event: its text as it lies in the database, with `unsigned` (and `room_id`, outside of sync) spliced
 * in. https://spec.matrix.org/v1.19/client-server-api/#room-event-format
 */
export function renderEvent(row: EventRow, viewer: Viewer, roomId?: RoomId): string {
  const erased = viewer.erasedText?.(row);
  if (erased === undefined) return spliced(row.json, roomId, unsignedOf(row, viewer));
  return spliced(erased, roomId, unsignedOf(row, { ...viewer, knowsReplaced: () => false }));
}

/** The same for an application service, which is nobody's member: that something was redacted it sees, and why it is told by the redaction alone. */
export function renderForService(row: EventRow, roomId: RoomId, now: number): string {
  const { replaced, redaction } = asidesOf(row);
  const before = replaced === undefined ? '' : replacedText(replaced);
  const because = redaction === undefined ? '' : `,"redacted_because":${withoutReason(redaction.json)}`;
  return spliced(row.json, roomId, `${age(row, now)}${before}${because}`);
}

function spliced(json: string, roomId: RoomId | undefined, unsigned: string): string {
  const room = roomId === undefined ? '' : `,"room_id":${JSON.stringify(roomId)}`;
  return `${json.slice(0, -1)}${room},"unsigned":{${unsigned}}}`;
}

function age({ origin_server_ts }: EventRow, now: number): string {
  return `"age":${Math.max(0, now - origin_server_ts)}`;
}

function unsignedOf(row: EventRow, viewer: Viewer): string {
  let unsigned = `${age(row, viewer.now)},"membership":"${viewer.membershipAt(row.seq)}"`;
  if (row.txn_id !== null && row.device_nid === viewer.deviceNid) unsigned += `,"transaction_id":${JSON.stringify(row.txn_id)}`;
  if (row.asides === null) return unsigned;
  const { replaced, redaction } = asidesOf(row);
  if (replaced !== undefined && viewer.knowsReplaced({ seq: row.seq, replaces_seq: replaced.seq })) unsigned += replacedText(replaced);
  if (redaction !== undefined) {
    const isSeen = viewer.membershipAt(redaction.seq) === 'join';
    unsigned += `,"redacted_because":${isSeen ? redaction.json : withoutReason(redaction.json)}`;
  }
  return unsigned;
}

function replacedText({ json }: Aside): string {
  return `,"replaces_state":"${eventIdOf(json)}","prev_sender":${senderText(json)},"prev_content":${contentText(json)}`;
}

/** That an event is gone has to be told to whoever sees where it was; why is for those who were there (RULES D9). */
function withoutReason(redaction: string): string {
  const { content: { reason: _, ...content }, ...event } = JSON.parse(redaction) as { content: JsonObject };
  return JSON.stringify({ ...event, content });
}

/** Event texts as a JSON array. */
export function jsonArray(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

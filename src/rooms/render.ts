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
  /** Whether the viewer sees an event at that place of the room (RULES D9). */
  readonly sees: (seq: number) => boolean;
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
  return rendered(row, viewer, { between: betweenOf(roomId), told: toldOf(row) });
}

/** Events of one room in that format, as a JSON array; `bundles` are what some of them have under `m.relations`, by seq. */
export function renderEvents(rows: readonly EventRow[], viewer: Viewer, roomId: RoomId, bundles: ReadonlyMap<number, string> = NO_BUNDLES): string {
  const between = betweenOf(roomId);
  let texts = '';
  // Each is put behind the others, and all become one text at the end: joining them would copy everything once more.
  for (const row of rows) texts += `${texts === '' ? '' : ','}${rendered(row, viewer, { between, told: toldAgain(row), bundle: bundles.get(row.seq) })}`;
  return `[${texts}]`;
}

const NO_BUNDLES: ReadonlyMap<number, string> = new Map();

/** The same for an application service, which is nobody's member: that something was redacted it sees, and why it is told by the redaction alone. */
export function renderForService(row: EventRow, roomId: RoomId, now: number): string {
  const { replaced, redaction } = toldOf(row);
  const because = redaction === undefined ? '' : `,"redacted_because":${withoutReason(redaction.json)}`;
  return spliced(row.json, betweenOf(roomId), `${age(row, now)}${replaced?.text ?? ''}${because}`);
}

interface Parts {
  readonly between: string;
  readonly told: Told;
  readonly bundle?: string | undefined;
}

function rendered(row: EventRow, viewer: Viewer, { between, told, bundle }: Parts): string {
  const erased = viewer.erasedText?.(row);
  const unsigned = unsignedOf(row, erased === undefined ? viewer : { ...viewer, knowsReplaced: () => false }, told);
  return spliced(erased ?? row.json, between, bundle === undefined ? unsigned : `${unsigned},"m.relations":${bundle}`);
}

/** What stands between the text of an event and its age. */
function betweenOf(roomId: RoomId | undefined): string {
  return roomId === undefined ? BEFORE_AGE : joined([',"room_id":', JSON.stringify(roomId), BEFORE_AGE]);
}

const BEFORE_AGE = ',"unsigned":{"age":';

/** `unsigned` begins with the age. */
function spliced(json: string, between: string, unsigned: string): string {
  return `${json.slice(0, -1)}${between}${unsigned}}}`;
}

/** In one piece at once: what a template makes is collected from its pieces in every answer that it stands in. */
function joined(pieces: readonly string[]): string {
  return pieces.join('');
}

function age({ origin_server_ts }: EventRow, now: number): string {
  return String(Math.max(0, now - origin_server_ts));
}

function unsignedOf(row: EventRow, viewer: Viewer, { replaced, redaction }: Told): string {
  let unsigned = `${age(row, viewer.now)},"membership":"${viewer.membershipAt(row.seq)}"`;
  if (row.txn_id !== null && row.device_nid === viewer.deviceNid) unsigned += `,"transaction_id":${JSON.stringify(row.txn_id)}`;
  if (replaced !== undefined && viewer.knowsReplaced({ seq: row.seq, replaces_seq: replaced.seq })) unsigned += replaced.text;
  if (redaction !== undefined) {
    unsigned += `,"redacted_because":${viewer.sees(redaction.seq) ? redaction.json : withoutReason(redaction.json)}`;
  }
  return unsigned;
}

/** What is told of other events with one, to whoever may know. */
interface Told {
  readonly replaced?: { readonly seq: number; readonly text: string };
  readonly redaction?: Aside;
}

const NOTHING: Told = {};

function toldOf(row: EventRow): Told {
  if (row.asides === null) return NOTHING;
  const { replaced, redaction } = asidesOf(row);
  return { ...(replaced && { replaced: { seq: replaced.seq, text: replacedText(replaced) } }), ...(redaction && { redaction }) };
}

/** The same, put by: the state of a room is kept, and nearly all of its members are told of with the invitation before. */
function toldAgain(row: EventRow): Told {
  if (row.asides === null) return NOTHING;
  const known = toldOfRows.get(row);
  if (known !== undefined) return known;
  const told = toldOf(row);
  toldOfRows.set(row, told);
  return told;
}

const toldOfRows = new WeakMap<EventRow, Told>();

function replacedText({ json }: Aside): string {
  return joined([',"replaces_state":"', eventIdOf(json), '","prev_sender":', senderText(json), ',"prev_content":', contentText(json)]);
}

/** That an event is gone has to be told to whoever sees where it was; why is for those who see the redaction (RULES D9). */
function withoutReason(redaction: string): string {
  const { content: { reason: _, ...content }, ...event } = JSON.parse(redaction) as { content: JsonObject };
  return JSON.stringify({ ...event, content });
}

/** Event texts as a JSON array. */
export function jsonArray(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

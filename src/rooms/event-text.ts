import type { Pdu } from '../matrix/event.js';
import { parseEventId, parseUserId, type EventId, type UserId } from '../matrix/identifiers.js';
import { redactContent } from '../matrix/redaction.js';
import type { RoomVersionFeatures } from '../matrix/room-versions.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';

type ClientMembers = { readonly type: string; readonly content: JsonObject } & JsonObject;

/** An event as it is stored: the text every answer splices, and the rest of what other servers are told. */
export function storedTexts(pdu: Pdu, eventId: EventId): { json: string; pdu: string } {
  const { type, state_key, sender, content, origin_server_ts, room_id: _, redacts, ...envelope } = pdu;
  const target = redacts ?? (type === 'm.room.redaction' ? content['redacts'] : undefined);
  return {
    json: clientText({ event_id: eventId, type, state_key, sender, origin_server_ts, content: withRedacts(content, target), redacts: target }),
    pdu: JSON.stringify(redacts === undefined ? envelope : { ...envelope, redacts }),
  };
}

/** The stored text of an event without what a redaction takes away. https://spec.matrix.org/v1.19/client-server-api/#redactions */
export function redactedText(stored: string, version: RoomVersionFeatures): string {
  const { redacts: _, ...event } = JSON.parse(stored) as ClientMembers;
  return clientText({ ...event, content: redactContent(event.type, event.content, version) });
}

/** `redacts` stands beside the content and in it, for old clients and new ones. */
function withRedacts(content: JsonObject, target: JsonValue | undefined): JsonObject {
  return target === undefined ? content : { ...content, redacts: target };
}

/** In this order always: the schema holds the text against the columns by its beginning and its end. */
function clientText({ content, event_id, origin_server_ts, redacts, sender, state_key, type }: ClientMembers): string {
  return JSON.stringify({ content, event_id, origin_server_ts, redacts, sender, state_key, type });
}

/**
 * The content of a stored text, as it stands there. The schema holds every text to begin with it, and its id comes next; in no string
 * does a quotation mark stand without its backslash, so the last such member is the event's own.
 */
export function contentText(json: string): string {
  return json.slice('{"content":'.length, json.lastIndexOf(EVENT_ID));
}

/** The id in a stored text. */
export function eventIdOf(json: string): EventId {
  const from = json.lastIndexOf(EVENT_ID) + EVENT_ID.length;
  return parseEventId(json.slice(from, json.indexOf('"', from)));
}

/** The sender in a stored text, as a JSON string. */
export function senderText(json: string): string {
  const from = json.lastIndexOf(SENDER) + SENDER.length;
  return json.slice(from, json.indexOf('"', from + 1) + 1);
}

export function senderOf(json: string): UserId {
  return parseUserId(JSON.parse(senderText(json)) as string);
}

const EVENT_ID = ',"event_id":"';
const SENDER = ',"sender":';

import { createHash } from 'node:crypto';
import { canonicalJsonWithout } from './canonical-json.js';
import type { Pdu, PduDraft } from './event.js';
import { parseEventId, parseRoomId, type EventId, type RoomId, type ServerName } from './identifiers.js';
import { redact } from './redaction.js';
import type { RoomVersionFeatures } from './room-versions.js';
import type { JsonObject } from './schema.js';
import { signText, withSignature, type SigningKey } from './signing.js';

/** Covers the whole event as it was sent. https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event */
export function contentHash(pdu: JsonObject): string {
  return sha256(canonicalJsonWithout(pdu, ['unsigned', 'signatures', 'hashes']), 'base64');
}

/** Covers what a redaction leaves, in URL-safe base64. https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event */
export function referenceHash(pdu: JsonObject, version: RoomVersionFeatures): string {
  return sha256(essentialText(pdu, version), 'base64url');
}

/** https://spec.matrix.org/v1.19/rooms/v11/#event-ids */
export function eventIdOf(pdu: JsonObject, version: RoomVersionFeatures): EventId {
  return parseEventId(`$${referenceHash(pdu, version)}`);
}

/** The id of the room whose create event this is, from version 12 on. https://spec.matrix.org/v1.19/appendices/#room-ids */
export function roomIdOf(createEventId: EventId): RoomId {
  return parseRoomId(`!${createEventId.slice(1)}`);
}

export interface EventSigner {
  readonly serverName: ServerName;
  readonly key: SigningKey;
}

export interface SignedEvent {
  readonly eventId: EventId;
  readonly pdu: Pdu;
}

/** Hashes and signs an event of this server. https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events */
export function signEvent(draft: PduDraft, version: RoomVersionFeatures, signer: EventSigner): SignedEvent {
  const hashed = { ...draft, hashes: { sha256: contentHash(draft) } };
  // Signature and event id cover the same text, so it is made once.
  const text = essentialText(hashed, version);
  const signatures = withSignature(undefined, signer.serverName, signer.key, signText(text, signer.key));
  return { eventId: parseEventId(`$${sha256(text, 'base64url')}`), pdu: { ...hashed, signatures } };
}

/** What a redaction leaves, as it is signed and hashed. */
function essentialText(pdu: JsonObject, version: RoomVersionFeatures): string {
  return canonicalJsonWithout(redact(pdu, version), ['signatures', 'unsigned']);
}

function sha256(text: string, encoding: 'base64' | 'base64url'): string {
  const unpaddedLength = 43;
  return createHash('sha256').update(text).digest(encoding).slice(0, unpaddedLength);
}

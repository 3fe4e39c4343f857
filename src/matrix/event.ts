import type { EventId, RoomId, UserId } from './identifiers.js';
import type { JsonObject } from './schema.js';

// Types, not interfaces: only a type alias may stand where a JsonObject is asked for.

export type Signatures = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** An event before it is hashed and signed. https://spec.matrix.org/v1.19/server-server-api/#pdus */
export type PduDraft = {
  readonly type: string;
  readonly state_key?: string;
  readonly sender: UserId;
  /** Absent from the create event of a version 12 room only. */
  readonly room_id?: RoomId;
  readonly content: JsonObject;
  readonly origin_server_ts: number;
  readonly depth: number;
  readonly prev_events: readonly EventId[];
  readonly auth_events: readonly EventId[];
  /** Of a redaction, before version 11. */
  readonly redacts?: EventId;
};

/** An event as servers exchange it; its id is not in it but follows from it. */
export type Pdu = PduDraft & {
  readonly hashes: { readonly sha256: string };
  readonly signatures: Signatures;
  readonly unsigned?: JsonObject;
};

import { MatrixError } from './errors.js';

// Each brand is cast in exactly one parser below; nowhere else may a string become an identifier.
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ServerName = Branded<'ServerName'>;
export type UserId = Branded<'UserId'>;
export type RoomId = Branded<'RoomId'>;
export type EventId = Branded<'EventId'>;
export type RoomAlias = Branded<'RoomAlias'>;
export type DeviceId = Branded<'DeviceId'>;

const MAX_BYTES = 255;
const SERVER_NAME = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/;
// Historical user ids allow any printable ASCII; this server gives out the strict set only (parseNewLocalpart).
const USER_ID = /^@[\x21-\x39\x3b-\x7e]*:(.+)$/;
const LOCALPART = /^[a-z0-9._=/+-]+$/;
const NO_CONTROL = /^[^\0-\x1f\x7f\ud800-\udfff]*$/u;

/** Splits `hostname[:port]`. https://spec.matrix.org/v1.19/appendices/#server-name */
export function parseServerName(raw: string): ServerName {
  if (!SERVER_NAME.test(raw)) throw invalid('a server name');
  return raw as ServerName;
}

/** https://spec.matrix.org/v1.19/appendices/#user-identifiers */
export function parseUserId(raw: string): UserId {
  const server = USER_ID.exec(raw)?.[1];
  if (server === undefined || !fits(raw) || !SERVER_NAME.test(server)) throw invalid('a user id');
  return raw as UserId;
}

/** Room ids of versions 1-11 end in a server name; those of version 12 are the hash of the create event alone. */
export function parseRoomId(raw: string): RoomId {
  if (!/^![^\s]+$/.test(raw) || !fits(raw)) throw invalid('a room id');
  return raw as RoomId;
}

export function parseEventId(raw: string): EventId {
  if (!/^\$[^\s]+$/.test(raw) || !fits(raw)) throw invalid('an event id');
  return raw as EventId;
}

/** https://spec.matrix.org/v1.19/appendices/#room-aliases */
export function parseRoomAlias(raw: string): RoomAlias {
  const colon = raw.indexOf(':');
  if (!raw.startsWith('#') || colon < 2 || !fits(raw) || !SERVER_NAME.test(raw.slice(colon + 1))) throw invalid('a room alias');
  return raw as RoomAlias;
}

/** Opaque to the server, but printable, free of slashes' cousins NUL and controls, and at most 255 bytes. */
export function parseDeviceId(raw: string): DeviceId {
  if (raw === '' || !fits(raw)) throw invalid('a device id');
  return raw as DeviceId;
}

/** The user id of a new local account; refuses what the strict grammar does not allow with M_INVALID_USERNAME. */
export function newUserId(localpart: string, server: ServerName): UserId {
  const id = `@${localpart}:${server}`;
  if (!LOCALPART.test(localpart)) throw new MatrixError('M_INVALID_USERNAME', 'User names may contain only a-z, 0-9, and . _ = - / +');
  if (!fits(id)) throw new MatrixError('M_INVALID_USERNAME', `A user id has at most ${MAX_BYTES} bytes`);
  return id as UserId;
}

export function serverOf(id: UserId | RoomAlias): ServerName {
  return id.slice(id.indexOf(':') + 1) as ServerName;
}

/** Any other string of a path: a type, a transaction id, a filter id. Refuses NUL, controls and lone surrogates. */
export function parseOpaque(raw: string): string {
  if (!NO_CONTROL.test(raw)) throw invalid('a parameter');
  if (Buffer.byteLength(raw) > MAX_BYTES) throw new MatrixError('M_INVALID_PARAM', 'A path parameter may have at most 255 bytes');
  return raw;
}

/** The name of a profile field, which has an error of its own for one too long. https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname */
export function parseKeyName(raw: string): string {
  if (Buffer.byteLength(raw) > MAX_BYTES) throw new MatrixError('M_KEY_TOO_LARGE', 'The name of a profile field has at most 255 bytes');
  return parseOpaque(raw);
}

function fits(raw: string): boolean {
  return Buffer.byteLength(raw) <= MAX_BYTES && NO_CONTROL.test(raw);
}

function invalid(what: string): MatrixError {
  return new MatrixError('M_INVALID_PARAM', `The request names something that is not ${what}`);
}

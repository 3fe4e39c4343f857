import type { Session } from './auth/session.js';
import type { Admitted } from './auth/users-store.js';
import { scopeOf } from './directory/scope.js';
import { searchUsers, type Term } from './directory/search-store.js';
import { authorise, type AuthorisedEvent, type HistoryVisibility, type JoinRule, type MessageType } from './matrix/event-auth.js';
import type { Pdu } from './matrix/event.js';
import { parseEventId, type EventId, type RoomId, type UserId } from './matrix/identifiers.js';
import { ByteStream, type Bytes } from './matrix/reply.js';
import type { Grant } from './media/grants.js';
import { openMedia } from './media/open.js';
import { defaultEncryption, type Encryption } from './policy/encryption.js';
import { permitMessage, permitState, type PermittedDraft } from './policy/permit.js';
import { appendEvent, persistEvent, type Origin } from './rooms/append.js';
import { composeEvent, type ComposedEvent } from './rooms/compose.js';
import { foundRoom, type Foundation } from './rooms/found.js';
import type { LockedRoom, NascentRoom } from './rooms/lock.js';
import { appendDraft, type RoomWriting } from './rooms/writing.js';
import type { Sql, Transaction } from './storage/database.js';

// What breaks a construction rule and must therefore not compile. Whoever loosens a type makes its line fail here with TS2578.

declare const tx: Transaction;
declare const deps: RoomWriting;
declare const origin: Origin;
declare const composed: ComposedEvent;
declare const draft: PermittedDraft;
declare const locked: LockedRoom;
declare const nascent: NascentRoom;
declare const signed: Pdu;
declare const authorised: AuthorisedEvent<Pdu>;
declare const foundation: Foundation;
declare const session: Session;
declare const grant: Grant;
declare const term: Term;
declare const bytes: Bytes;
declare const blobs: Parameters<typeof openMedia>[0];
const eventId: EventId = parseEventId('$event');
const by = { sender: session.userId, signer: deps.signer, now: 0 };

/** The only ways in, as they are meant: without these the lines below could fail for another reason than theirs. */
export const compiles = [
  () => foundRoom(deps, tx, { ...foundation, encryption: defaultEncryption }),
  () => composeEvent(tx, locked, permitMessage('m.room.encrypted', {}), by),
  () => composeEvent(tx, nascent, permitState('m.room.encryption', '', {}, { knownRooms: new Set() }), by),
  () => appendEvent(tx, locked, composed, origin, []),
  () => persistEvent(tx, nascent, composed, origin),
  () => appendDraft(deps, tx, locked, draft, { actor: session, now: 0 }),
  () => openMedia(blobs, grant),
  () => searchUsers(tx, scopeOf(session, 0), term),
];

export const noPublicRooms: readonly (JoinRule | HistoryVisibility)[] = [
  'invite',
  // @ts-expect-error nobody joins without being let in
  'public',
  // @ts-expect-error the unspecified rule of old
  'private',
  // @ts-expect-error history is for members
  'world_readable',
];

export const onlyEncryptedMessages: readonly MessageType[] = [
  'm.room.encrypted',
  // @ts-expect-error plaintext
  'm.room.message',
  // @ts-expect-error plaintext
  'm.sticker',
  // @ts-expect-error any other
  'org.example.note',
];

export const encryptions: readonly Encryption[] = [
  // @ts-expect-error another algorithm
  { algorithm: 'org.example.rot13' },
  // @ts-expect-error none
  {},
];

const { encryption: _, ...unencrypted } = foundation;
export const everyRoomIsEncrypted = [
  // @ts-expect-error a room without encryption
  () => foundRoom(deps, tx, unencrypted),
  // @ts-expect-error a room whose encryption nobody checked
  () => foundRoom(deps, tx, { ...foundation, encryption: { algorithm: String('m.megolm.v1.aes-sha2') } }),
  // @ts-expect-error a room whose encryption is left out on purpose
  () => foundRoom(deps, tx, { ...foundation, encryption: undefined }),
];

export const onlyPermittedDrafts = [
  // @ts-expect-error a draft the rules never saw
  () => composeEvent(tx, locked, { type: 'm.room.message', content: { body: 'hello' } }, by),
  // @ts-expect-error nor as state
  () => composeEvent(tx, locked, { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } }, by),
  // @ts-expect-error a permitted draft with another content
  () => composeEvent(tx, locked, { ...draft, content: { body: 'hello' } }, by),
  // @ts-expect-error what setState is given, past permitState
  () => appendDraft(deps, tx, locked, { type: 'm.room.name', stateKey: '', content: {} }, { actor: session, now: 0 }),
  // @ts-expect-error a draft whose content is exchanged after the rules saw it
  () => { draft.content = {}; },
];

export const onlyComposedEvents = [
  // @ts-expect-error hashed and signed, but neither permitted nor authorised
  () => appendEvent(tx, locked, { eventId, pdu: signed }, origin, []),
  // @ts-expect-error authorised, but the rules of this server never saw it
  () => appendEvent(tx, locked, { eventId, pdu: authorised }, origin, []),
  // @ts-expect-error likewise, straight from the authorisation
  () => appendEvent(tx, locked, { eventId, pdu: authorise(signed, () => undefined, locked.version) }, origin, []),
  // @ts-expect-error a composed event with another inside
  () => appendEvent(tx, locked, { ...composed, pdu: authorised }, origin, []),
  // @ts-expect-error a permitted draft that is no event yet
  () => appendEvent(tx, locked, draft, origin, []),
  // @ts-expect-error before the room exists neither
  () => persistEvent(tx, nascent, { eventId, pdu: authorised }, origin),
  // @ts-expect-error authorised by hand
  (): AuthorisedEvent<Pdu> => signed,
];

export const onlyLockedRooms = [
  // @ts-expect-error a room by its id
  (roomId: RoomId) => appendEvent(tx, roomId, composed, origin, []),
  // @ts-expect-error a room made by hand
  () => appendEvent(tx, { nid: 1, id: locked.id, version: locked.version, state: locked.state, tip: locked.tip }, composed, origin, []),
  // @ts-expect-error the lock of one room for another
  () => appendEvent(tx, { ...locked, nid: 2 }, composed, origin, []),
  // @ts-expect-error a room that does not exist yet
  () => appendEvent(tx, nascent, composed, origin, []),
  // @ts-expect-error a room that exists, past its observers
  () => persistEvent(tx, locked, composed, origin),
];

export const nothingMadeByHand = [
  // @ts-expect-error somebody who never logged in
  (): Session => ({ userNid: 1, userId: session.userId, deviceNid: 2, deviceId: session.deviceId, isAdmin: true }),
  // @ts-expect-error an account to open a session for, by a session there was
  (): Admitted => session.userNid,
  // @ts-expect-error leave to open a blob
  () => openMedia(blobs, { mediaId: 'a', blobName: 'a', size: 1, wrappedKey: 'b' }),
  // @ts-expect-error bytes the ledger does not know of
  () => new ByteStream(session, bytes, {}),
  // @ts-expect-error no leave at all
  () => openMedia(blobs),
  // @ts-expect-error the session is not the grant
  () => openMedia(blobs, session),
  // @ts-expect-error a string that nobody parsed
  (): RoomId => '!room:shard.example',
  // @ts-expect-error one id for another
  (userId: UserId): RoomId => userId,
];

export const restrictedDirectory = [
  // @ts-expect-error the session is not the scope
  () => searchUsers(tx, session, term),
  // @ts-expect-error a scope of somebody else
  () => searchUsers(tx, { viewerNid: 1, now: 0 }, term),
  // @ts-expect-error no scope: everybody
  () => searchUsers(tx, undefined, term),
  // @ts-expect-error a scope of nobody
  () => scopeOf({ userNid: 1 }, 0),
];

export const noSqlFromStrings = [
  // @ts-expect-error a string is no query
  () => tx.all('SELECT 1'),
  // @ts-expect-error nor is one put together from parts
  (name: string) => tx.run(`DELETE FROM rooms WHERE room_id = '${name}'`),
  // @ts-expect-error nor does one made by hand
  (text: string) => tx.all({ strings: [text], values: [] }),
  // @ts-expect-error nor does a string become one by its type
  (text: string): Sql => text,
];

/** An account with one device, and what only somebody who reached this person can know of them. */
export interface Person {
  readonly userId: string;
  readonly localpart: string;
  readonly token: string;
  readonly deviceId: string;
  readonly displayName: string;
  readonly identityKey: string;
  readonly oneTimeKeys: readonly string[];
  readonly isOwn: boolean;
}

export type RoomKind = 'private' | 'public' | 'knock' | 'restricted' | 'space';

export interface Room {
  readonly roomId: string;
  readonly kind: RoomKind;
  readonly name: string;
  readonly topic: string;
  readonly alias: string | undefined;
  readonly founder: Person;
  readonly members: readonly Person[];
  readonly isOwn: boolean;
}

export interface Message {
  readonly eventId: string;
  readonly room: Room;
  readonly sender: Person;
  /** The ciphertext, or the words where the server took them in clear. */
  readonly secret: string;
  readonly isInClear: boolean;
  readonly isOwn: boolean;
}

export interface File {
  readonly serverName: string;
  readonly mediaId: string;
  readonly sha256: string;
  readonly room: Room;
  readonly uploader: Person;
  readonly isInClear: boolean;
  readonly isOwn: boolean;
}

/**
 * Everything on the server. What is `isOwn` the victim may have anyway: the rooms they are, were or are invited in, what was said there
 * while they might hear it, and the people they shared those rooms with.
 */
export interface Ministry {
  readonly serverName: string;
  readonly victim: Person;
  readonly people: readonly Person[];
  readonly rooms: readonly Room[];
  readonly messages: readonly Message[];
  readonly files: readonly File[];
  /** Sentences that say how the server was filled. */
  readonly howFilled: readonly string[];
}

export interface Size {
  readonly users: number;
  readonly rooms: number;
  readonly files: number;
  readonly messagesPerRoom: number;
}

export type Kind = 'rooms' | 'messages' | 'files' | 'people' | 'hints' | 'doors';
export const KINDS: readonly Kind[] = ['rooms', 'messages', 'files', 'people', 'hints', 'doors'];

/**
 * Something that can be reached. A hint is no more than the knowledge that something exists, or by which id; a door is a way in for the
 * public that the attacker opened himself.
 */
export interface Thing {
  readonly kind: Kind;
  readonly id: string;
  readonly isOwn: boolean;
  readonly isInClear: boolean;
}

export function roomThing({ roomId, isOwn }: Room): Thing {
  return { kind: 'rooms', id: roomId, isOwn, isInClear: true };
}

export function hintOf({ id, isOwn }: Thing): Thing {
  return { kind: 'hints', id, isOwn, isInClear: true };
}

export function messageThing({ eventId, isOwn, isInClear }: Message): Thing {
  return { kind: 'messages', id: eventId, isOwn, isInClear };
}

export function fileThing({ mediaId, isOwn, isInClear }: File): Thing {
  return { kind: 'files', id: mediaId, isOwn, isInClear };
}

export function personThing({ userId, isOwn }: Person): Thing {
  return { kind: 'people', id: userId, isOwn, isInClear: true };
}

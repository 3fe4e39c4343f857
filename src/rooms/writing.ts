import type { EventSigner } from '../matrix/event-hash.js';
import type { EventId, UserId } from '../matrix/identifiers.js';
import { natural, optional, type JsonObject } from '../matrix/schema.js';
import type { Session } from '../auth/session.js';
import type { Clock, Random } from '../matrix/clock.js';
import type { PermittedDraft } from '../policy/permit.js';
import type { Database, ReadTransaction, Transaction } from '../storage/database.js';
import { appendEvent, type AppendedEvent, type EventObserver } from './append.js';
import { composeEvent } from './compose.js';
import type { InviteBrakes } from './invite-brakes.js';
import type { LockedRoom } from './lock.js';
import type { StateCache } from './room-state.js';

/** The name and picture that go into somebody's member events; `profile/` knows them. */
export type ProfileReader = (tx: ReadTransaction, userNid: number) => Promise<{ displayname?: string; avatar_url?: string }>;

/** Told of every invitation before it is written, in its very transaction; may refuse it. Given from above. */
export interface InviteObserver {
  onInvite(tx: Transaction, invite: { readonly inviterNid: number; readonly target: UserId; readonly now: number }): Promise<void>;
}

/** What every function that writes to rooms works with. */
export interface RoomWriting {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly signer: EventSigner;
  readonly states: StateCache;
  readonly observers: readonly EventObserver[];
  readonly memberProfile: ProfileReader;
  readonly inviteObserver: InviteObserver;
  readonly inviteBrakes: InviteBrakes;
  /** Nobody joins a room that has as many members. */
  readonly maxRoomMembers: number;
}

/** Somebody of this shard who acts on a room. */
export interface Actor {
  readonly userNid: number;
  readonly userId: UserId;
  readonly deviceNid?: number;
  readonly isSuspended?: boolean;
  /** When what they do is to appear to have been done; nothing but the event's `origin_server_ts` is other for it. */
  readonly originServerTs?: number;
}

/** Composes, authorises and appends what a person of this shard does. */
export async function appendDraft(
  deps: RoomWriting,
  tx: Transaction,
  room: LockedRoom,
  draft: PermittedDraft,
  by: { actor: Actor; now: number; txnId?: string; redacts?: EventId; attachMedia?: readonly string[] | undefined },
): Promise<AppendedEvent> {
  const { actor, now, txnId, redacts, attachMedia } = by;
  const composed = await composeEvent(tx, room, draft, {
    sender: actor.userId,
    signer: deps.signer,
    now: actor.originServerTs ?? now,
    ...(redacts === undefined ? {} : { redacts }),
  });
  const origin = {
    senderNid: actor.userNid,
    now,
    ...(actor.deviceNid === undefined ? {} : { deviceNid: actor.deviceNid }),
    ...(txnId === undefined ? {} : { txnId }),
    ...(attachMedia === undefined ? {} : { attachMedia }),
  };
  return appendEvent(tx, room, composed, origin, deps.observers);
}

/** What an application service may say of the time of an event. */
export const massage = { ts: optional(natural) };

/** Who acts, at the time an application service says; nobody else's is listened to. https://spec.matrix.org/v1.19/application-service-api/#timestamp-massaging */
export function actorAt(session: Session, ts: number | undefined): Actor {
  return session.appService === undefined || ts === undefined ? session : { ...session, originServerTs: ts };
}

/** A content as a client may send it for any event: members it sets to undefined do not exist. */
export function withoutUndefined(content: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));
}

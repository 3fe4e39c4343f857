import { randomBytes } from 'node:crypto';
import { createAppServices, type AppServices } from '../auth/app-services.js';
import { free } from '../auth/people.testing.js';
import { ensureDevice } from '../auth/devices-store.js';
import type { Session } from '../auth/session.js';
import { sessionOf } from '../auth/session.testing.js';
import { createUser } from '../auth/users-store.js';
import { newUserId, parseDeviceId, parseServerName, type RoomId, type UserId } from '../matrix/identifiers.js';
import { newSigningKey } from '../matrix/signing.js';
import { profileFields, setField } from '../profile/profile-store.js';
import { createRoom } from '../rooms/create-room.js';
import { inviteUser, joinRoomById, leaveRoom } from '../rooms/membership.js';
import { StateCache } from '../rooms/room-state.js';
import type { RoomWriting } from '../rooms/writing.js';
import type { Transaction } from '../storage/database.js';
import type { Engine } from '../storage/engines.testing.js';
import type { IdentityBudget } from './introductions.js';
import { chargeInvites } from './invites.js';
import { searchDirectory, type DirectoryDeps } from './search.js';

const serverName = parseServerName('shard.example');
export const HOUR = 3_600_000;

/** People who look for and invite each other by the functions that serve requests; the clock is set by hand. */
export async function openDirectory(engine: Engine, introductions: IdentityBudget = { perDay: 50, perWeek: 200 }) {
  const { db, drop } = await engine.open();
  const time = { now: 1_700_000_000_000 };
  const deps: DirectoryDeps & RoomWriting & { defaultRoomVersion: string; appServices: AppServices } = {
    db,
    clock: () => time.now,
    random: randomBytes,
    serverName,
    introductions,
    signer: { serverName, key: newSigningKey(randomBytes) },
    states: new StateCache(),
    observers: [],
    inviteObserver: chargeInvites(introductions),
    inviteBrakes: { perIssuer: free, perRoom: free, perUser: free },
    maxRoomMembers: 3,
    defaultRoomVersion: '11',
    appServices: createAppServices([], serverName),
    memberProfile: async (tx, userNid) =>
      Object.fromEntries((await profileFields(tx, userNid)).map(({ field, value }) => [field, JSON.parse(value) as string])),
  };
  return {
    deps,
    db,
    drop,
    pass: (ms: number) => { time.now += ms; },
    /** Somebody with a session. */
    person: async (localpart: string, name?: string): Promise<Session> => {
      const userNid = await db.transaction((tx) => account(tx, localpart));
      if (name !== undefined) await rename(userNid, name);
      const deviceId = parseDeviceId('PHONE');
      const { device_nid: deviceNid } = await db.transaction((tx) => ensureDevice(tx, { userNid, deviceId, displayName: undefined, ip: '::1', now: 0 }));
      return sessionOf({ userNid, userId: newUserId(localpart, serverName), deviceNid, deviceId });
    },
    /** Somebody who never logs in. */
    account,
    rename,
    search: async (session: Session, search_term: string, limit?: number): Promise<readonly Found[]> => {
      const answer = await searchDirectory(deps, { session, body: { search_term, ...(limit === undefined ? {} : { limit }) } });
      return (answer as { results: readonly Found[] }).results;
    },
    room: async (founder: Session, ...others: readonly Session[]): Promise<RoomId> => {
      const { room_id: roomId } = await createRoom(deps, { session: founder, body: { invite: others.map(({ userId }) => userId) } });
      for (const session of others) await joinRoomById(deps, { session, params: { roomId }, body: {} });
      return roomId;
    },
    invite: (session: Session, roomId: RoomId, userId: UserId) => inviteUser(deps, { session, params: { roomId }, body: { user_id: userId } }),
    join: (session: Session, roomId: RoomId) => joinRoomById(deps, { session, params: { roomId }, body: {} }),
    leave: (session: Session, roomId: RoomId) => leaveRoom(deps, { session, params: { roomId }, body: {} }),
  };

  async function account(tx: Transaction, localpart: string): Promise<number> {
    const nid = await createUser(tx, { userId: newUserId(localpart, serverName), passwordHash: '$argon2id$none', isAdmin: false, now: 0 });
    if (nid === undefined) throw new Error(`${localpart} is taken`);
    return nid;
  }

  async function rename(userNid: number, name: string): Promise<void> {
    await db.transaction((tx) => setField(tx, userNid, { field: 'displayname', value: JSON.stringify(name) }));
  }
}

export type Directory = Awaited<ReturnType<typeof openDirectory>>;

interface Found {
  readonly user_id: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
}

export function idsOf(found: readonly Found[]): readonly string[] {
  return found.map(({ user_id }) => user_id);
}


import { createHmac } from 'node:crypto';
import { sealed } from '../../spec-tests/sealed.js';
import { Connection } from './http.js';
import type { Server } from './server.js';

export interface Member {
  readonly userId: string;
  readonly deviceId: string;
  readonly token: string;
}

export interface Room {
  readonly roomId: string;
  readonly members: readonly Member[];
}

let transactions = 0;

/** Throws unless the server answers 200. */
export async function call<T>(connection: Connection, method: string, path: string, token?: string, body?: object): Promise<T> {
  const { status, text } = await connection.request(method, path, token, body && JSON.stringify(body));
  if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}

export async function registerMany({ baseUrl, sharedSecret }: Server, count: number, prefix: string): Promise<readonly Member[]> {
  return inParallel(baseUrl, Array.from({ length: count }, (_, i) => `${prefix}-${process.pid}-${Math.floor(performance.timeOrigin)}-${i}`), async (connection, username) => {
    const { nonce } = await call<{ nonce: string }>(connection, 'GET', '/_synapse/admin/v1/register');
    const password = `the password of ${username}`;
    const mac = createHmac('sha1', sharedSecret).update([nonce, username, password, 'notadmin'].join('\0')).digest('hex');
    const body = { nonce, username, password, admin: false, mac };
    const answer = await call<{ user_id: string; device_id: string; access_token: string }>(connection, 'POST', '/_synapse/admin/v1/register', undefined, body);
    return { userId: answer.user_id, deviceId: answer.device_id, token: answer.access_token };
  });
}

/** A private encrypted room of the first member that all the others were invited to and have joined. */
export async function foundRoom(connection: Connection, members: readonly Member[]): Promise<Room> {
  const [creator, ...others] = members;
  if (creator === undefined) throw new Error('a room needs somebody');
  const roomId = await createRoom(connection, creator);
  for (const other of others) {
    await invite(connection, roomId, creator, other);
    await join(connection, roomId, other);
  }
  return { roomId, members };
}

/** The same, its members invited as it is made: a large room is there sooner. */
export async function foundLargeRoom(baseUrl: string, members: readonly Member[]): Promise<Room> {
  const [creator, ...others] = members;
  if (creator === undefined) throw new Error('a room needs somebody');
  const connection = new Connection(baseUrl);
  const roomId = await createRoom(connection, creator, others);
  connection.close();
  await inParallel(baseUrl, others, (each, other) => join(each, roomId, other));
  return { roomId, members };
}

/** As Element makes one; resolves to its room id. */
export async function createRoom(connection: Connection, creator: Member, invited: readonly Member[] = []): Promise<string> {
  const { room_id: roomId } = await call<{ room_id: string }>(connection, 'POST', '/_matrix/client/v3/createRoom', creator.token, {
    preset: 'private_chat',
    name: 'A room of the bench',
    initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    ...(invited.length > 0 && { invite: invited.map(({ userId }) => userId) }),
  });
  return roomId;
}

export async function invite(connection: Connection, roomId: string, inviter: Member, { userId }: Member): Promise<void> {
  await call(connection, 'POST', `${pathOf(roomId)}/invite`, inviter.token, { user_id: userId });
}

export async function join(connection: Connection, roomId: string, { token }: Member): Promise<void> {
  await call(connection, 'POST', `${pathOf(roomId)}/join`, token, {});
}

export async function leave(connection: Connection, roomId: string, { token }: Member): Promise<void> {
  await call(connection, 'POST', `${pathOf(roomId)}/leave`, token, {});
}

export function pathOf(roomId: string): string {
  return `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
}

/** Sends one sealed message of about 0.8 KB; resolves to its event id. */
export async function sendSealed(connection: Connection, { roomId }: Room, { token }: Member): Promise<string> {
  transactions += 1;
  const path = `${pathOf(roomId)}/send/m.room.encrypted/b${process.pid}.${transactions}`;
  const { event_id: eventId } = await call<{ event_id: string }>(connection, 'PUT', path, token, sealed({ index: transactions % 100 }));
  return eventId;
}

/** Works through `items` over eight connections. */
export async function inParallel<Item, Result>(
  baseUrl: string, items: readonly Item[], work: (connection: Connection, item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  await Promise.all(Array.from({ length: 8 }, async () => {
    const connection = new Connection(baseUrl);
    for (const [i, item] of queue) results[i] = await work(connection, item);
    connection.close();
  }));
  return results;
}

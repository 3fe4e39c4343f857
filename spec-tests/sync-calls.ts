import type { Call, JoinedRoom, Person, RoomEvent, Shard, SyncAnswer } from './harness.js';
import { newTxn, roomCalls, type RoomCalls } from './rooms-calls.js';
import { OLM } from './sealed.js';

/** The requests of the chapter about syncing, on top of those about rooms. */
export interface SyncCalls extends RoomCalls {
  /** One `/sync`, whatever it answers at once. */
  poll(person: Person, query?: NonNullable<Call['query']>): Promise<SyncAnswer>;
  /** One `/sync` that waits; the answer and how long it took. */
  wait(person: Person, since: string, timeout?: number): Promise<{ readonly answer: SyncAnswer; readonly ms: number }>;
  /** Does something while a person waits in `/sync`; what they were woken with. */
  wokenBy(person: Person, action: () => Promise<unknown>): Promise<SyncAnswer>;
  /** Beside what an Olm message has. */
  toDevice(from: Person, to: Person, content: object, type?: string): Promise<void>;
  receipt(person: Person, roomId: string, eventId: string, type?: string, threadId?: string): Promise<void>;
  type(person: Person, roomId: string, typing: boolean): Promise<void>;
  accountData(person: Person, type: string, content: object, roomId?: string): Promise<void>;
  uploadKeys(person: Person, keys: { readonly oneTime?: number; readonly fallback?: boolean }): Promise<void>;
}

export function syncCalls(shard: Shard): SyncCalls {
  const rooms = roomCalls(shard);
  const done = async (...call: Parameters<RoomCalls['call']>): Promise<void> => {
    const { status, text } = await rooms.call(...call);
    if (status !== 200) throw new Error(`${call[1]} ${call[2].join('/')}: ${status} ${text}`);
  };
  const poll: SyncCalls['poll'] = async (person, query = {}) => {
    const { status, body, text } = await rooms.call<SyncAnswer>(person, 'GET', ['sync'], undefined, { query });
    if (status !== 200) throw new Error(`sync: ${status} ${text}`);
    return body;
  };
  const wait: SyncCalls['wait'] = async (person, since, timeout = 60_000) => {
    const started = performance.now();
    const answer = await poll(person, { since, timeout });
    return { answer, ms: performance.now() - started };
  };
  return {
    ...rooms,
    poll,
    wait,
    wokenBy: async (person, action) => {
      const { next_batch: since } = await poll(person);
      const waiting = wait(person, since);
      await new Promise((later) => setTimeout(later, 60));
      await action();
      const { answer, ms } = await waiting;
      if (ms > 30_000) throw new Error('the action did not wake the long poll');
      return answer;
    },
    toDevice: (from, to, content, type = 'm.room.encrypted') =>
      done(from, 'PUT', ['sendToDevice', type, newTxn()], { messages: { [to.userId]: { [to.deviceId]: { ...OLM, ...content } } } }),
    receipt: (person, roomId, eventId, type = 'm.read', threadId) =>
      done(person, 'POST', ['rooms', roomId, 'receipt', type, eventId], threadId === undefined ? {} : { thread_id: threadId }),
    type: (person, roomId, typing) => done(person, 'PUT', ['rooms', roomId, 'typing', person.userId], typing ? { typing, timeout: 20_000 } : { typing }),
    accountData: (person, type, content, roomId) =>
      done(person, 'PUT', ['user', person.userId, ...(roomId === undefined ? [] : ['rooms', roomId]), 'account_data', type], content),
    uploadKeys: (person, keys) => done(person, 'POST', ['keys', 'upload'], keysOf(person, keys)),
  };
}

/** Keys that look like keys: the server cannot tell, for it checks no signatures but those of identities. */
function keysOf({ userId, deviceId }: Person, { oneTime = 0, fallback = false }: { readonly oneTime?: number; readonly fallback?: boolean }): object {
  const signed = (name: string): [string, object] =>
    [`signed_curve25519:${name}`, { key: 'A'.repeat(43), signatures: { [userId]: { [`ed25519:${deviceId}`]: 'A'.repeat(86) } } }];
  return {
    one_time_keys: Object.fromEntries(Array.from({ length: oneTime }, () => signed(newTxn()))),
    ...(fallback ? { fallback_keys: Object.fromEntries([signed(newTxn())].map(([id, key]) => [id, { ...key, fallback: true }])) } : {}),
  };
}

/** The part of a joined room, which has to be there. */
export function joined(sync: SyncAnswer, roomId: string): JoinedRoom {
  const room = sync.rooms?.join?.[roomId];
  if (room === undefined) throw new Error(`${roomId} is not among the joined rooms of ${JSON.stringify(sync)}`);
  return room;
}

export function timelineIds(room: { readonly timeline?: JoinedRoom['timeline'] | undefined } | undefined): readonly string[] {
  return (room?.timeline?.events ?? []).map(({ event_id }) => event_id);
}

/** `type/state_key` of state events, in order of the alphabet. */
export function keysOfState(events: readonly Pick<RoomEvent, 'type' | 'state_key'>[] | undefined): readonly string[] {
  return (events ?? []).map(({ type, state_key }) => (state_key === '' || state_key === undefined ? type : `${type}/${state_key}`)).sort();
}

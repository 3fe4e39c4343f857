import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { engines } from '../src/storage/engines.testing.js';
import { createTestPostgres } from '../src/storage/postgres.testing.js';
import { startShard, type Person, type Shard, type SyncAnswer } from './harness.js';
import { syncCalls, type SyncCalls } from './sync-calls.js';

const SENDING_MS = 2000;

/** What one device heard of rooms and of messages to it, from its first token on. */
interface Heard {
  readonly events: string[];
  readonly toDevice: unknown[];
  readonly reached: () => boolean;
}

// https://spec.matrix.org/v1.19/client-server-api/#syncing: what all of the chapter promises, at once and in a hurry
describe.each(engines)('five who send and five who poll, on $name', ({ name }) => {
  let shard: Shard;
  let calls: SyncCalls;
  let drop = async (): Promise<void> => undefined;
  let senders: readonly Person[];
  let pollers: readonly Person[];
  let roomIds: readonly string[];

  beforeAll(async () => {
    const settings: Record<string, unknown> = {};
    if (name === 'PostgreSQL') {
      const postgres = await createTestPostgres();
      drop = () => postgres.drop();
      settings['database'] = { name: 'psycopg2', args: postgres.connection };
    }
    shard = await startShard(settings);
    calls = syncCalls(shard);
    senders = await Promise.all(Array.from({ length: 5 }, () => shard.register()));
    const reader = await shard.register();
    // Two devices of one person among those who poll.
    pollers = [...await Promise.all(Array.from({ length: 4 }, () => shard.register())), reader];
    pollers = [...pollers.slice(0, 4), await shard.logIn(reader)];
    const everybody = [...senders.slice(1), ...pollers.slice(0, 4), reader];
    roomIds = [await shard.createRoom(senders[0] as Person, everybody), await shard.createRoom(senders[0] as Person, everybody)];
  });
  afterAll(async () => {
    await shard.stop();
    await drop();
  });

  async function listen(person: Person, { since, timeout, heard, limit }: { since: string; timeout: number; heard: Heard; limit: number }): Promise<void> {
    const filter = JSON.stringify({ room: { timeline: { limit } } });
    const deadline = performance.now() + SENDING_MS + 90_000;
    for (let after = since; !heard.reached(); ) {
      if (performance.now() > deadline) return;
      const sync = await calls.poll(person, { since: after, timeout, filter });
      for (const roomId of roomIds) heard.events.push(...await timelineOf(person, roomId, sync, after));
      heard.toDevice.push(...(sync.to_device?.events ?? []).map(({ content }) => content['n']));
      after = sync.next_batch;
    }
  }

  /** What is new in a room; of a gap, what `/messages` has of it. */
  async function timelineOf(person: Person, roomId: string, sync: SyncAnswer, since: string): Promise<readonly string[]> {
    const timeline = sync.rooms?.join?.[roomId]?.timeline;
    const ids = (timeline?.events ?? []).map(({ event_id }) => event_id);
    const gap: string[] = [];
    for (let from = timeline?.limited === true ? timeline.prev_batch : undefined; from !== undefined; ) {
      const { body } = await calls.messages(person, roomId, { from, to: since, limit: 50 });
      gap.unshift(...body.chunk.map(({ event_id }) => event_id).reverse());
      from = body.chunk.length === 0 ? undefined : body.end;
    }
    return [...gap, ...ids];
  }

  it('nothing is lost, nothing repeated, and all hear each room in the same order', async () => {
    const sent: string[][] = senders.map(() => []);
    const posted: number[] = pollers.map(() => 0);
    let isSending = true;
    const since = await Promise.all(pollers.map(async (person) => (await calls.poll(person)).next_batch));
    const all = (): string[] => sent.flat();
    const heard = pollers.map((_, i): Heard => {
      const own: { events: string[]; toDevice: unknown[] } = { events: [], toDevice: [] };
      return { ...own, reached: () => !isSending && own.events.length >= all().length && own.toDevice.length >= (posted[i] ?? 0) };
    });
    // Some wait, some do not, some are told so little that they have gaps; each in its own rhythm.
    const listening = pollers.map((person, i) =>
      listen(person, { since: since[i] ?? '', timeout: i % 2 === 0 ? 1000 : 20 * i, heard: heard[i] as Heard, limit: i === 1 ? 1 : 20 }));
    const until = performance.now() + SENDING_MS;
    await Promise.all(senders.map(async (person, s) => {
      for (let n = 0; n < 6 || performance.now() < until; n += 1) {
        sent[s]?.push(await calls.say(person, roomIds[n % 2] ?? ''));
        const poller = pollers[s] as Person;
        if (n % 3 === 0) await calls.toDevice(person, poller, { n: posted[s] });
        if (n % 3 === 0) posted[s] = (posted[s] ?? 0) + 1;
        if (n % 7 === 0) await calls.type(person, roomIds[0] ?? '', n % 2 === 0);
        if (n % 5 === 0) await calls.receipt(person, roomIds[1] ?? '', sent[s]?.filter((_, i) => i % 2 === 1).at(-1) ?? sent[s]?.at(-1) ?? '');
      }
    }));
    isSending = false;
    await Promise.all(listening);
    expect(all().length).toBeGreaterThan(15);
    const order = await Promise.all(roomIds.map((roomId) => timelineOf(pollers[0] as Person, roomId, gapOf(roomId), since[0] ?? '')));
    const inRoom = (events: readonly string[], room: number): readonly string[] => events.filter((id) => order[room]?.includes(id));
    for (const [i, { events, toDevice }] of heard.entries()) {
      expect([...events].sort()).toEqual(all().sort());
      expect([inRoom(events, 0), inRoom(events, 1)]).toEqual(order);
      expect(toDevice).toEqual(Array.from({ length: posted[i] ?? 0 }, (_, n) => n));
    }
  });

  /** An answer that says nothing but that all of a room is missing. */
  function gapOf(roomId: string): SyncAnswer {
    return { next_batch: '', rooms: { join: { [roomId]: { timeline: { events: [], limited: true, prev_batch: 't100000' } } } } };
  }
});

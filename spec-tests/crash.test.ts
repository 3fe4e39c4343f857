import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startShard, type Answer, type Person, type RoomEvent, type Shard, type SyncAnswer } from './harness.js';
import { sealed } from './sealed.js';

const V3 = '/_matrix/client/v3';
const KILLS = 20;
const SENDERS = 6;

let shard: Shard;
let people: readonly Person[];
let roomId: string;

beforeAll(async () => {
  shard = await startShard();
  people = await Promise.all(Array.from({ length: 3 }, () => shard.register()));
  const [creator, ...others] = people;
  if (creator === undefined) throw new Error('nobody is there');
  roomId = await shard.createRoom(creator, others);
});
afterAll(async () => {
  await shard.stop();
});

/** What a sender has done so far, and what it was told. */
interface Sender {
  readonly person: Person;
  readonly name: string;
  /** Event ids by transaction id, as acknowledged. */
  readonly sent: Map<string, string>;
  /** The transaction whose answer never came, to be sent once more. */
  unanswered: string | undefined;
}

/** One message under a transaction id; undefined when the server went away before it answered. */
async function send({ person, name, sent }: Sender, txnId: string): Promise<string | undefined> {
  const path = `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.encrypted/${txnId}`;
  const body = sealed({ length: 64, session: `${name} ${txnId}` });
  const answer = await shard.request<{ event_id: string }>('PUT', path, { token: person.token, body }).catch(() => undefined);
  if (answer === undefined) return undefined;
  if (answer.status !== 200) throw new Error(`send: ${answer.status} ${answer.text}`);
  const known = sent.get(txnId);
  if (known !== undefined && known !== answer.body.event_id) throw new Error(`${txnId} is ${known} and ${answer.body.event_id}`);
  sent.set(txnId, answer.body.event_id);
  return answer.body.event_id;
}

/** Sends until the server goes away; begins with what was left unanswered the time before. */
async function sendUntilGone(sender: Sender): Promise<void> {
  for (;;) {
    const txnId = sender.unanswered ?? `${sender.name}.${sender.sent.size}`;
    sender.unanswered = txnId;
    if (await send(sender, txnId) === undefined) return;
    sender.unanswered = undefined;
  }
}

const sync = (person: Person, query: Record<string, string | number>): Promise<Answer<SyncAnswer>> =>
  shard.request<SyncAnswer>('GET', `${V3}/sync`, { token: person.token, query: { timeout: 0, ...query } });
const positionIn = (token: string): number => Number(token.slice(1));

it('what was acknowledged before the process was killed is there once, and retries repeat nothing', async () => {
  const senders = Array.from({ length: SENDERS }, (_, i): Sender => {
    const person = people[i % people.length];
    if (person === undefined) throw new Error('nobody is there');
    return { person, name: `s${i}`, sent: new Map(), unanswered: undefined };
  });
  const acknowledged = (): readonly string[] => senders.flatMap(({ sent }) => [...sent.values()]);
  const [reader] = people;
  if (reader === undefined) throw new Error('nobody is there');
  const tokens: string[] = [(await sync(reader, {})).body.next_batch];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const sending = Promise.all(senders.map(sendUntilGone));
    // A prime step, so that the kills fall at ever different moments of what is going on; however slow, something is going on by then.
    const already = acknowledged().length;
    await new Promise((resolve) => setTimeout(resolve, 40 + ((kill * 97) % 260)));
    while (acknowledged().length <= already + SENDERS) await new Promise((resolve) => setTimeout(resolve, 1));
    const [before] = await Promise.all([sync(reader, { since: tokens.at(-1) ?? '' })]);
    tokens.push(before.body.next_batch);
    await shard.crash();
    await sending;
    const after = await sync(reader, { since: before.body.next_batch });
    expect(after.status).toBe(200);
    expect(positionIn(after.body.next_batch)).toBeGreaterThanOrEqual(positionIn(before.body.next_batch));
    // A poll may have been answered last by the process before: what it was told then still holds.
    expect((await sync(reader, { since: tokens[0] ?? '' })).status).toBe(200);
  }
  for (const sender of senders) if (sender.unanswered !== undefined) await send(sender, sender.unanswered);

  const stored = await timeline(reader);
  const ids = stored.map(({ event_id: id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(acknowledged().length).toBeGreaterThan(KILLS * SENDERS);
  // Exactly these: none lost, none twice under another id, and none that nobody sent.
  expect([...ids].sort()).toEqual([...acknowledged()].sort());
  const sessions = stored.map(({ content }) => content['session_id']);
  expect(new Set(sessions).size).toBe(sessions.length);
  for (const sender of senders) {
    const [txnId = '', eventId] = [...sender.sent][0] ?? [];
    expect(await send(sender, txnId)).toBe(eventId);
  }
  expect(await timeline(reader)).toHaveLength(stored.length);
  expect(shard.failures()).toEqual([]);
}, 400_000);

it('of a sync token from before a kill, all that came after it is told, in order and once', async () => {
  const [reader, writer] = people;
  if (reader === undefined || writer === undefined) throw new Error('nobody is there');
  const { body } = await sync(reader, {});
  const sender: Sender = { person: writer, name: 'last', sent: new Map(), unanswered: undefined };
  const ids: string[] = [];
  for (let i = 0; i < 4; i += 1) {
    ids.push(await send(sender, `last.${i}`) ?? '');
    await shard.crash();
  }
  const told: string[] = [];
  for (let since = body.next_batch; told.length < ids.length; ) {
    const { body: next } = await sync(reader, { since });
    told.push(...(next.rooms?.join?.[roomId]?.timeline?.events ?? []).map(({ event_id: id }) => id));
    if (next.next_batch === since) break;
    since = next.next_batch;
  }
  expect(told).toEqual(ids);
});

/** The whole of the room's messages, newest first. */
async function timeline({ token }: Person): Promise<readonly RoomEvent[]> {
  const events: RoomEvent[] = [];
  for (let from: string | undefined; ; ) {
    const query = { dir: 'b', limit: 1000, ...(from === undefined ? {} : { from }) };
    const { body } = await shard.request<{ chunk: RoomEvent[]; end?: string }>('GET', `${V3}/rooms/${encodeURIComponent(roomId)}/messages`, { token, query });
    events.push(...body.chunk.filter(({ type }) => type === 'm.room.encrypted'));
    if (body.end === undefined || body.chunk.length === 0) return events;
    from = body.end;
  }
}

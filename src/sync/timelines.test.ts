import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import { openConversation, type Conversation } from '../push/conversation.testing.js';
import type { EventFilter } from '../rooms/filter.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { RoomRows } from './room-rows.js';
import { SharedTimelines } from './shared-timelines.js';
import { readTimelines, visibleStretch, type Timeline } from './timelines.js';

describe.each(engines)('timelines on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let roomId: RoomId;
  let nid: number;
  let last: number;

  /** A room of its founding events and 30 messages after them. */
  beforeEach(async () => {
    talk = await openConversation(engine);
    alice = await talk.person('alice');
    roomId = await talk.room(alice);
    nid = await talk.nid(roomId);
    for (let i = 0; i < 30; i += 1) await talk.say(alice, roomId);
    last = (await talk.db.read((tx) => tx.one<{ seq: number }>(sql`SELECT seq FROM rooms WHERE room_nid = ${nid}`)))?.seq ?? 0;
  });
  afterEach(() => talk.drop());

  async function read(stretch: { afterSeq: number; upToSeq: number; hasEarlier?: boolean }, filter?: EventFilter): Promise<Timeline> {
    const wanted = { nid, hasEarlier: false, standing: undefined, ...stretch };
    const timelines = await talk.db.read((tx) => readTimelines(tx, [wanted], { filter, ignored: new Set(), shared: new SharedTimelines().at(1), roomRows: new RoomRows() }));
    return timelines.get(nid) ?? { rows: [], limited: false, start: -1 };
  }
  const shape = ({ rows, limited, start }: Timeline) => ({ from: rows[0]?.seq, to: rows.at(-1)?.seq, count: rows.length, limited, start });

  it('hold all that is new when it is little', async () => {
    expect(shape(await read({ afterSeq: last - 5, upToSeq: last }))).toEqual({ from: last - 4, to: last, count: 5, limited: false, start: last - 5 });
    expect(shape(await read({ afterSeq: last, upToSeq: last }))).toEqual({ from: undefined, to: undefined, count: 0, limited: false, start: last });
  });

  it('hold the newest of what is much, and begin where they say', async () => {
    expect(shape(await read({ afterSeq: 0, upToSeq: last }))).toEqual({ from: last - 19, to: last, count: 20, limited: true, start: last - 20 });
    expect(shape(await read({ afterSeq: last - 20, upToSeq: last }))).toMatchObject({ count: 20, limited: false, start: last - 20 });
    expect(shape(await read({ afterSeq: 0, upToSeq: last }, { limit: 500 }))).toMatchObject({ from: 1, count: last, limited: false, start: 0 });
  });

  it('are empty when nothing is asked for, and say that there is something', async () => {
    expect(shape(await read({ afterSeq: 0, upToSeq: last }, { limit: 0 }))).toEqual({ from: undefined, to: undefined, count: 0, limited: true, start: last });
  });

  it('look further back for what passes a filter', async () => {
    const created = await read({ afterSeq: 0, upToSeq: last }, { types: ['m.room.create'] });
    expect(shape(created)).toEqual({ from: 1, to: 1, count: 1, limited: false, start: 0 });
    expect(shape(await read({ afterSeq: 0, upToSeq: last }, { types: ['org.example.none'] }))).toMatchObject({ count: 0, limited: false, start: last });
    expect(shape(await read({ afterSeq: 0, upToSeq: last }, { types: ['m.room.encrypted'], limit: 25 }))).toEqual({ from: last - 24, to: last, count: 25, limited: true, start: last - 25 });
  });

  it('do not reach over what may not be seen', async () => {
    const visibility = { ranges: [{ from: 1, to: 5 }, { from: last - 2, to: Infinity }], membershipAt: () => 'join' as const, sees: () => true, knowsReplaced: () => true };
    const all = { nid, afterSeq: 0, upToSeq: last, standing: undefined };
    const stretch = visibleStretch(visibility, all);
    expect(stretch).toEqual({ nid, afterSeq: last - 3, upToSeq: last, hasEarlier: true });
    expect(shape(await read(stretch))).toEqual({ from: last - 2, to: last, count: 3, limited: true, start: last - 3 });
    expect(visibleStretch(visibility, { ...all, afterSeq: last - 1 })).toMatchObject({ afterSeq: last - 1, hasEarlier: false });
    const nothing = { ...visibility, ranges: [] };
    expect(shape(await read(visibleStretch(nothing, all)))).toMatchObject({ count: 0, limited: false });
  });
});

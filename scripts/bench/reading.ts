import type { Figure } from './figures.js';
import { Connection } from './http.js';
import { measureOperation, measureRead, type Operation } from './operation.js';
import type { Server } from './server.js';
import { pathOf, sendSealed, type Room } from './world.js';

const PAGE = 50;
const RUNS = { warmUp: 2000, runs: 1000 };
const RUNS_IN_LARGE_ROOM = { warmUp: 200, runs: 200 };

type Reading = Pick<Operation, 'what' | 'once'>;

/** B5: a page of 50 messages, the members and the state of a room of 200, and the members of a larger one. */
export async function readingScenario(server: Server, room: Room, large: Room): Promise<readonly Figure[]> {
  const connection = new Connection(server.baseUrl);
  for (const member of room.members.slice(0, PAGE)) await sendSealed(connection, room, member);
  connection.close();
  const reads = [{ atMost: 100, ...messagesOf(room) }, { atMost: 70, ...membersOf(room) }, { atMost: 50, ...stateOf(room) }];
  const figures: Figure[] = [];
  for (const read of reads) figures.push(...(await measureRead(server, { scenario: 'B5', ...RUNS, ...read })));
  return [...figures, ...(await measureOperation(server, { scenario: 'B5', ...RUNS_IN_LARGE_ROOM, ...membersOf(large) }))];
}

/** The member events of a room, asked for by one of them. */
export function membersOf(room: Room): Reading {
  const { length } = room.members;
  return reading(room, { what: `members of a room of ${length}`, path: '/members', eachHas: '"type":"m.room.member"', count: length });
}

function messagesOf(room: Room): Reading {
  return reading(room, { what: `messages, ${PAGE}`, path: `/messages?dir=b&limit=${PAGE}`, eachHas: '"type":"m.room.encrypted"', count: PAGE });
}

function stateOf(room: Room): Reading {
  const { length } = room.members;
  return reading(room, { what: `state of a room of ${length}`, path: '/state', eachHas: '"type":"m.room.member"', count: length });
}

/** Counting a word in the text tells whether all is there, and costs the machine that is shared next to nothing. */
function reading({ roomId, members }: Room, answer: { what: string; path: string; eachHas: string; count: number }): Reading {
  const { what, path, eachHas, count } = answer;
  const token = members[1]?.token;
  return {
    what,
    async once(connection) {
      const { status, text } = await connection.request('GET', `${pathOf(roomId)}${path}`, token);
      const found = text.split(eachHas).length - 1;
      if (status !== 200 || found !== count) throw new Error(`${path}: ${status}, ${found} of ${count}`);
    },
  };
}

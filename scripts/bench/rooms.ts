import type { Figure } from './figures.js';
import { Connection } from './http.js';
import { measureOperation, type Operation } from './operation.js';
import type { Server } from './server.js';
import { createRoom, invite, join, leave, type Member, type Room } from './world.js';

/** A commit is shared by those that wait for it, so what a write costs depends on how many there are. */
const MANY = 16;
const WARM_UP_MS = 3000;

/** B6: rooms are made; people are invited, join and leave, in a room that is new and in one that is large. */
export async function roomsScenario(server: Server, newcomers: readonly Member[], large: Room): Promise<readonly Figure[]> {
  const [founder, ...others] = newcomers;
  if (founder === undefined) throw new Error('nobody is there');
  const connection = new Connection(server.baseUrl);
  const small = { roomId: await createRoom(connection, founder), members: [founder] };
  connection.close();
  const create: Operation = {
    scenario: 'B6', what: 'createRoom', warmUp: 300, runs: 200,
    once: async (each) => { await createRoom(each, founder); },
  };
  const figures = [...(await measureOperation(server, create)), ...(await measureOperation(server, { ...create, warmUp: 0, inFlight: MANY, atMost: 500 }))];
  const warm = performance.now() + WARM_UP_MS;
  while (performance.now() < warm) await comeAndGo(server, small, { others, name: 'to warm up' });
  return [
    ...figures,
    ...(await comeAndGo(server, small, { others, name: 'a new room' })),
    ...(await comeAndGo(server, small, { others, name: 'a new room', inFlight: MANY, atMost: 250 })),
    ...(await comeAndGo(server, large, { others, name: `a room of ${large.members.length}` })),
  ];
}

/** All of them come, and then all of them go. */
async function comeAndGo(
  server: Server, { roomId, members }: Room, plan: { others: readonly Member[]; name: string; inFlight?: number; atMost?: number },
): Promise<readonly Figure[]> {
  const { others, name, inFlight = 1, ...goal } = plan;
  const turns = { scenario: 'B6', warmUp: 0, runs: others.length, inFlight };
  const pick = (from: readonly Member[], turn: number): Member => {
    const member = from[turn];
    if (member === undefined) throw new Error('nobody is there');
    return member;
  };
  const came = await measureOperation(server, {
    ...turns, ...goal, what: `invite and join, ${name}`,
    async once(connection, turn) {
      await invite(connection, roomId, pick(members, 0), pick(others, turn));
      await join(connection, roomId, pick(others, turn));
    },
  });
  const went = await measureOperation(server, { ...turns, what: `leave, ${name}`, once: (connection, turn) => leave(connection, roomId, pick(others, turn)) });
  return [...came, ...went];
}

import { deviceKeys, queries } from './encryption.js';
import type { Figure } from './figures.js';
import { measureOperation, type Operation } from './operation.js';
import { localpartOf, populate } from './populate.js';
import type { Server } from './server.js';
import { call, foundLargeRoom, inParallel, type Member } from './world.js';

const PEOPLE = 100_000;
const COLLEAGUES = 500;
const RUNS = { warmUp: 1000, runs: 500 };
const SEARCHED = { scenario: 'B15', ...RUNS, atMostMs: 5 };

/** B15: in a shard of 100,000 people somebody looks for one of 500 colleagues, and for somebody new; and asks for the keys of all colleagues. */
export async function directoryScenario(server: Server): Promise<readonly Figure[]> {
  if (server.whileStopped === undefined) throw new Error('B15 fills the database of a server that is not running: only of a Cloison on SQLite, begun here');
  const members = await server.whileStopped((path) => populate(path, { people: PEOPLE, sessions: COLLEAGUES }));
  await foundLargeRoom(server.baseUrl, members);
  await inParallel(server.baseUrl, members, (connection, member) =>
    call(connection, 'POST', '/_matrix/client/v3/keys/upload', member.token, { device_keys: deviceKeys(member) }));
  const operations: readonly Operation[] = [
    { ...SEARCHED, what: `search of ${PEOPLE} for a colleague`, ...search(members, () => 'mü') },
    // One who is nobody's colleague: every turn another, who is introduced.
    { ...SEARCHED, what: `search of ${PEOPLE} for somebody new`, ...search(members, (turn) => `@${localpartOf(COLLEAGUES + turn)}:localhost`) },
    { ...queries(members), scenario: 'B15', warmUp: 100, runs: 200, atMostMs: 30 },
  ];
  const figures: Figure[] = [];
  for (const operation of operations) figures.push(...(await measureOperation(server, operation)));
  return figures;
}

function search(members: readonly Member[], termOf: (turn: number) => string): Pick<Operation, 'once'> {
  return {
    async once(connection, turn) {
      const body = { search_term: termOf(turn), limit: 10 };
      const token = members[turn % members.length]?.token;
      const { results } = await call<{ results: readonly object[] }>(connection, 'POST', '/_matrix/client/v3/user_directory/search', token, body);
      if (results.length === 0) throw new Error(`nobody is found by ${body.search_term}`);
    },
  };
}

import type { Figure } from './figures.js';
import { Connection } from './http.js';
import { measureOperation } from './operation.js';
import { membersOf } from './reading.js';
import type { Server } from './server.js';
import { foundRoom, type Member } from './world.js';

/** B14: the members of a room of 500, asked for by one of them, one request at a time. */
export async function membersScenario(server: Server, people: readonly Member[]): Promise<readonly Figure[]> {
  const connection = new Connection(server.baseUrl);
  const room = await foundRoom(connection, people);
  connection.close();
  return measureOperation(server, { scenario: 'B14', warmUp: 300, runs: 300, ...membersOf(room) });
}

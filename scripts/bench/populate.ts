import { randomBytes } from 'node:crypto';
import { openSession } from '../../src/auth/open-session.js';
import { createUser } from '../../src/auth/users-store.js';
import { newUserId, parseServerName } from '../../src/matrix/identifiers.js';
import { setField } from '../../src/profile/profile-store.js';
import type { Transaction } from '../../src/storage/database.js';
import { openSqlite } from '../../src/storage/sqlite.js';
import type { Member } from './world.js';

const SERVER_NAME = parseServerName('localhost');
const FIRST = ['Anna', 'Bernd', 'Chiara', 'Émile', 'Fatma', 'Georg', 'Hélène', 'Igor', 'Jürgen', 'Katarzyna', 'Luc', 'Maryam', 'Nils', 'Olivia', 'Pierre', 'Rosa', 'Sven'];
const LAST = ['Albers', 'Bernard', 'Dupont', 'Evers', 'Fischer', 'Garcia', 'Hofmann', 'Jansen', 'Kowalska', 'Lefèvre', 'Müller', 'Nguyen', 'Okafor', 'Petit', 'Richter', 'Schmidt', 'Thomas', 'Weber', 'Yılmaz'];
const AT_ONCE = 1000;
const TOKENS = {
  random: randomBytes,
  tokenLifetimes: { refreshable: 300_000, nonrefreshable: undefined, refresh: undefined, session: undefined },
};

/**
 * Puts named people, of whom the first so many have a session, into the database of a server that is not running: registering 100,000
 * would spend the better part of an hour on Argon2. Nobody of them has a password.
 */
export async function populate(path: string, { people, sessions }: { people: number; sessions: number }): Promise<readonly Member[]> {
  const db = await openSqlite({ path });
  const members: Member[] = [];
  try {
    for (let from = 0; from < people; from += AT_ONCE) {
      await db.transaction(async (tx) => {
        for (let i = from; i < Math.min(from + AT_ONCE, people); i += 1) members.push(...(await settle(tx, i, i < sessions)));
      });
    }
  } finally {
    await db.close();
  }
  return members;
}

export function localpartOf(i: number): string {
  return `official-${i}`;
}

async function settle(tx: Transaction, i: number, hasSession: boolean): Promise<readonly Member[]> {
  const userId = newUserId(localpartOf(i), SERVER_NAME);
  const now = Math.floor(performance.timeOrigin);
  const userNid = await createUser(tx, { userId, passwordHash: undefined, isAdmin: false, now });
  if (userNid === undefined) throw new Error(`${userId} is taken`);
  const name = `${FIRST[i % FIRST.length]} ${LAST[Math.floor(i / FIRST.length) % LAST.length]}`;
  await setField(tx, userNid, { field: 'displayname', value: JSON.stringify(name) });
  if (!hasSession) return [];
  const opened = await openSession(tx, TOKENS, { userNid, deviceId: undefined, displayName: undefined, ip: '127.0.0.1', now });
  return [{ userId, deviceId: opened.device_id, token: opened.access_token }];
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const AT_ONCE = 20;

// People without passwords, whose registration therefore costs nothing: the users of an application service.
const service = {
  id: 'crowd', url: null, as_token: 'as-token-of-the-crowd'.padEnd(32, '1'), hs_token: 'hs-token-of-the-crowd'.padEnd(32, '1'), sender_localpart: 'crowd-leader', rate_limited: false,
  namespaces: { users: [{ regex: '@of-the-crowd-.*:localhost', exclusive: true }] },
};

/** What a server needs in its configuration for a crowd, and how to tidy up afterwards. */
export function crowdSettings(): { readonly settings: Readonly<Record<string, unknown>>; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'cloison-crowd-'));
  const file = join(folder, 'crowd.yaml');
  writeFileSync(file, JSON.stringify(service));
  return { settings: { app_service_config_files: [file] }, remove: () => { rmSync(folder, { recursive: true }); } };
}

/** That many new people; their ids. */
export async function recruit(baseUrl: string, count: number): Promise<readonly string[]> {
  const people = Array.from({ length: count }, (_, i) => `@of-the-crowd-${i}:localhost`);
  await eachOf(people, (userId) =>
    ask(baseUrl, 'register', { type: 'm.login.application_service', username: userId.slice(1, userId.indexOf(':')), inhibit_login: true }));
  return people;
}

/** All of them join, who must have been invited. */
export async function joinAll(baseUrl: string, people: readonly string[], roomId: string): Promise<void> {
  await eachOf(people, (userId) => ask(baseUrl, `rooms/${encodeURIComponent(roomId)}/join?user_id=${encodeURIComponent(userId)}`, {}));
}

async function eachOf(people: readonly string[], act: (userId: string) => Promise<void>): Promise<void> {
  for (let i = 0; i < people.length; i += AT_ONCE) await Promise.all(people.slice(i, i + AT_ONCE).map(act));
}

async function ask(baseUrl: string, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${service.as_token}`, 'content-type': 'application/json' };
  const response = await fetch(`${baseUrl}/_matrix/client/v3/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

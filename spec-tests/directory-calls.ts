import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Answer, Person, Shard } from './harness.js';
import { OLM } from './sealed.js';

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch */
export interface SearchAnswer {
  readonly limited: boolean;
  readonly results: readonly { readonly user_id: string; readonly display_name?: string; readonly avatar_url?: string }[];
}

/** The requests by which a client finds and meets people. */
export interface DirectoryCalls {
  search(person: Person, search_term: string, limit?: number): Promise<Answer<SearchAnswer>>;
  /** The ids found. */
  found(person: Person, search_term: string): Promise<readonly string[]>;
  profile(person: Person, userId: string): Promise<Answer<Readonly<Record<string, unknown>>>>;
  rename(person: Person, displayname: string): Promise<void>;
  /** The people whose keys the answer knows. */
  keysOf(person: Person, ...userIds: readonly string[]): Promise<readonly string[]>;
  sendToDevice(person: Person, userId: string, type?: string, content?: object): Promise<void>;
  /** The to-device events that wait for a device. */
  received(person: Person): Promise<readonly { readonly type: string; readonly sender: string }[]>;
  /** `cloison user …` on the machine of the server; what it printed. */
  operate(...args: readonly string[]): Promise<string>;
}

let lastTransaction = 0;

export function directoryCalls(shard: Shard): DirectoryCalls {
  const client = '/_matrix/client/v3';
  const search: DirectoryCalls['search'] = (person, search_term, limit) =>
    shard.request('POST', `${client}/user_directory/search`, { token: person.token, body: { search_term, ...(limit === undefined ? {} : { limit }) } });
  return {
    search,
    found: async (person, term) => (await search(person, term)).body.results.map(({ user_id }) => user_id),
    profile: ({ token }, userId) => shard.request('GET', `${client}/profile/${encodeURIComponent(userId)}`, { token }),
    rename: async ({ token, userId }, displayname) => {
      await shard.request('PUT', `${client}/profile/${encodeURIComponent(userId)}/displayname`, { token, body: { displayname } });
    },
    keysOf: async ({ token }, ...userIds) => {
      const body = { device_keys: Object.fromEntries(userIds.map((userId) => [userId, []])) };
      const answer = await shard.request<{ device_keys: object }>('POST', `${client}/keys/query`, { token, body });
      return Object.keys(answer.body.device_keys);
    },
    sendToDevice: async ({ token }, userId, type = 'm.room.encrypted', content = OLM) => {
      lastTransaction += 1;
      await shard.request('PUT', `${client}/sendToDevice/${type}/d${lastTransaction}`, { token, body: { messages: { [userId]: { '*': content } } } });
    },
    received: async ({ token }) => {
      const { body } = await shard.request<{ to_device?: { events: readonly { type: string; sender: string }[] } }>('GET', `${client}/sync`, { token });
      return (body.to_device?.events ?? []).map(({ type, sender }) => ({ type, sender }));
    },
    operate: async (...args) => {
      const config = join(shard.folders[0] ?? '.', 'homeserver.yaml');
      const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js', 'user', ...args, '--config', config], { env: { ...process.env, NODE_OPTIONS: '' } });
      return stdout.trim();
    },
  };
}

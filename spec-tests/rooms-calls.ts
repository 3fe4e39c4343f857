import type { Answer, Call, Person, RoomEvent, Shard, SyncAnswer } from './harness.js';
import { sealed } from './sealed.js';

/** The requests of the chapters about rooms, short enough for a test to be read on one screen. */
export interface RoomCalls {
  /** Any request below `/_matrix/client/v3`; a list of path segments is encoded. */
  call<Body = Readonly<Record<string, unknown>>>(person: Person, method: string, path: Path, body?: object, further?: Partial<Call>): Promise<Answer<Body>>;
  /** A sealed message; the id of its event. */
  say(person: Person, roomId: string, content?: object): Promise<string>;
  react(person: Person, roomId: string, eventId: string, key: string): Promise<Answer<{ readonly event_id: string }>>;
  setState(person: Person, roomId: string, type: string, content: object, stateKey?: string): Promise<Answer<{ readonly event_id: string }>>;
  /** The content in force, or the error. */
  state(person: Person, roomId: string, type: string, stateKey?: string): Promise<Readonly<Record<string, unknown>>>;
  messages(person: Person, roomId: string, query?: Call['query']): Promise<Answer<Page>>;
  sync(person: Person, since?: string, filter?: object): Promise<SyncAnswer>;
}

export type Path = readonly string[];

export interface Page {
  readonly start: string;
  readonly end?: string;
  readonly chunk: readonly RoomEvent[];
  readonly state?: readonly RoomEvent[];
}

export const refused = { status: 403, body: { errcode: 'M_FORBIDDEN' } };
export const absent = { status: 404, body: { errcode: 'M_NOT_FOUND' } };

let lastTransaction = 0;

/** A transaction id that was never used. */
export function newTxn(): string {
  lastTransaction += 1;
  return `t${lastTransaction}`;
}

export function roomCalls(shard: Shard): RoomCalls {
  const call: RoomCalls['call'] = (person, method, path, body, further = {}) =>
    shard.request(method, `/_matrix/client/v3/${path.map(encodeURIComponent).join('/')}`, { token: person.token, ...(body === undefined ? {} : { body }), ...further });
  const send = (person: Person, roomId: string, type: string, content: object): Promise<Answer<{ readonly event_id: string }>> =>
    call(person, 'PUT', ['rooms', roomId, 'send', type, newTxn()], content);
  return {
    call,
    say: async (person, roomId, content = {}) => {
      const sent = await send(person, roomId, 'm.room.encrypted', { ...sealed({ deviceId: person.deviceId }), ...content });
      if (sent.status !== 200) throw new Error(`send: ${sent.status} ${sent.text}`);
      return sent.body.event_id;
    },
    react: (person, roomId, event_id, key) => send(person, roomId, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id, key } }),
    setState: (person, roomId, type, content, stateKey = '') => call(person, 'PUT', ['rooms', roomId, 'state', type, stateKey], content),
    state: async (person, roomId, type, stateKey = '') => (await call(person, 'GET', ['rooms', roomId, 'state', type, stateKey])).body,
    messages: (person, roomId, query = {}) => call(person, 'GET', ['rooms', roomId, 'messages'], undefined, { query: { dir: 'b', ...query } }),
    sync: async (person, since, filter) => {
      const query = { ...(since === undefined ? {} : { since }), ...(filter === undefined ? {} : { filter: JSON.stringify(filter) }) };
      return (await call<SyncAnswer>(person, 'GET', ['sync'], undefined, { query })).body;
    },
  };
}

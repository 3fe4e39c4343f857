import { createHash } from 'node:crypto';
import { request, type Answer, type Call } from './http.js';
import { fileThing, hintOf, messageThing, personThing, roomThing, type Ministry, type Person, type Thing } from './ministry.js';

/** Somebody who tries: every answer he gets is searched for everything the server holds, whatever he asked for. */
export interface Thief {
  /** Whose token he has; an anonymous caller has none. */
  readonly who: Person | undefined;
  readonly baseUrl: string;
  ask(method: string, path: string, call?: Omit<Call, 'token'> & { readonly bare?: boolean }): Promise<Answer>;
  /** For what no answer shows: a thing that was changed, or that answered. */
  took(thing: Thing): void;
}

/** What came of one attack. */
export interface Tally {
  readonly tried: number;
  /** How often each status and errcode was answered. */
  readonly answers: ReadonlyMap<string, number>;
  readonly reached: ReadonlyMap<string, Thing>;
}

interface Trace {
  readonly thing: Thing;
  /** An identifier tells something only to those who did not say it themselves. */
  readonly isIdentifier: boolean;
}

export type Traces = ReadonlyMap<string, Trace>;

/** Every string by which a thing of the ministry is recognised in an answer. */
export function tracesOf({ people, rooms, messages, files }: Ministry): Traces {
  const traces = new Map<string, Trace>();
  const secret = (text: string, thing: Thing): unknown => traces.set(text, { thing, isIdentifier: false });
  const identifier = (text: string, thing: Thing): unknown => traces.set(text, { thing, isIdentifier: true });
  for (const person of people) {
    identifier(person.userId, personThing(person));
    for (const text of [person.displayName, person.identityKey, ...person.oneTimeKeys]) secret(text, personThing(person));
  }
  for (const room of rooms) {
    for (const text of [room.roomId, room.alias]) if (text !== undefined) identifier(text, hintOf(roomThing(room)));
    for (const text of [room.name, room.topic]) secret(text, roomThing(room));
  }
  for (const message of messages) secret(message.secret, messageThing(message));
  for (const file of files) secret(file.sha256, fileThing(file));
  return traces;
}

/** A thief at work on one attack, and what he has so far. Only what `counts` is written down. */
export function newThief(
  at: { baseUrl: string; traces: Traces }, who: Person | undefined, counts: (thing: Thing) => boolean,
): { thief: Thief; tally: () => Tally } {
  let tried = 0;
  // What he wrote somewhere himself tells him nothing when he reads it there.
  let written = '';
  const answers = new Map<string, number>();
  const reached = new Map<string, Thing>();
  const took = (thing: Thing): void => {
    if (counts(thing)) reached.set(`${thing.kind} ${thing.id}`, thing);
  };
  const ask: Thief['ask'] = async (method, path, { bare = false, ...call } = {}) => {
    tried += 1;
    const answer = await request(at.baseUrl, method, path, { ...call, token: bare ? undefined : who?.token });
    const outcome = `${answer.status} ${typeof answer.body['errcode'] === 'string' ? answer.body['errcode'] : ''}`.trim();
    answers.set(outcome, (answers.get(outcome) ?? 0) + 1);
    const saying = `${decodeURIComponent(path)} ${JSON.stringify(call.body ?? {})}`;
    if (method !== 'GET') written += saying;
    const said = `${saying} ${written}`;
    for (const { thing, isIdentifier, text } of found(at.traces, answer)) if (!isIdentifier || !said.includes(text)) took(thing);
    return answer;
  };
  return { thief: { who, baseUrl: at.baseUrl, ask, took }, tally: () => ({ tried, answers, reached }) };
}

function* found(traces: Traces, answer: Answer): Generator<Trace & { readonly text: string }> {
  const texts = answer.type.startsWith('application/json') ? stringsOf(answer.body) : [createHash('sha256').update(answer.bytes).digest('hex')];
  for (const text of texts) {
    const trace = traces.get(text);
    if (trace !== undefined) yield { ...trace, text };
  }
}

function* stringsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield key;
    yield* stringsOf(inner);
  }
}

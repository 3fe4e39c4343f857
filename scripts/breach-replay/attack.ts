import { each, type Answer } from './http.js';
import { fileThing, hintOf, messageThing, personThing, roomThing, type File, type Message, type Ministry, type Person, type Room, type Thing } from './ministry.js';
import type { Thief } from './thief.js';

/** What an attack is aimed at; the thief knows every identifier already. */
export interface Aims {
  readonly ministry: Ministry;
  readonly rooms: readonly Room[];
  readonly messages: readonly Message[];
  readonly files: readonly File[];
  readonly people: readonly Person[];
}

export interface Attack {
  /** The row of RULES it tests. */
  readonly rule: string;
  readonly path: string;
  /** Who reaches something this way on Cloison, whose control run shows that the attack is well made. */
  readonly reachedBy: 'members' | 'nobody';
  /** An introduction is a thing of budget, not of refusal: whom it reaches is counted apart. */
  readonly introduces?: true;
  /** How Cloison refuses it where that is neither 403 nor 404, and still no misunderstanding. */
  readonly refusal?: string;
  run(thief: Thief, aims: Aims): Promise<void>;
}

export type Over = 'once' | 'rooms' | 'messages' | 'files' | 'people';
export type Names = Readonly<Record<string, string>>;

interface Probe {
  readonly over: Over;
  readonly body?: (names: Names) => object;
  /** An answer of this kind is a breach in itself, whatever it says. */
  readonly breach?: (answer: Answer) => boolean;
  /** What is breached is the room of the message, not its content; or nothing but the secret that the thing exists. */
  readonly breaches?: 'room' | 'hint';
  /** Without the header: the path holds the token. */
  readonly bare?: true;
}

/**
 * One request for each thing it is aimed at. `{roomId}`, `{eventId}`, `{alias}`, `{userId}`, `{localpart}`, `{deviceId}`, `{serverName}`,
 * `{mediaId}`, `{founder}`, `{member}`, `{me}`, `{token}` stand for what they name, in the path and for the body.
 */
export function probe(rule: string, path: string, reachedBy: Attack['reachedBy'], { over, body, breach, breaches, bare }: Probe): Attack {
  // What stands in braces behind a blank is for the reader.
  const [method = '', template = ''] = path.split(' ');
  return {
    rule, path, reachedBy,
    async run(thief, aims) {
      await each(targets(aims, over), async ({ names, thing, room }) => {
        const all = { me: thief.who?.userId ?? '@nobody:localhost', token: thief.who?.token ?? '', serverName: aims.ministry.serverName, ...names };
        const where = filled(template, all);
        if (where === undefined) return;
        const answer = await thief.ask(method, where, { ...(body && { body: body(all) }), ...(bare && { bare }) });
        const breached = breaches === 'room' ? room : breaches === 'hint' ? thing && hintOf(thing) : thing;
        if (breached !== undefined && breach?.(answer) === true) thief.took(breached);
      });
    },
  };
}

export const isOk = ({ status }: Answer): boolean => status === 200;

/** Undefined when the thing has no such name: a room without alias. */
export function filled(template: string, names: Names): string | undefined {
  const wanted = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  if (wanted.some((name) => names[name] === undefined)) return undefined;
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? ''));
}

export interface Target {
  readonly names: Names;
  readonly thing?: Thing;
  readonly room?: Thing;
}

export function targets(aims: Aims, over: Over): readonly Target[] {
  switch (over) {
    case 'once':
      return [{ names: {} }];
    case 'rooms':
      return aims.rooms.map((room) => ({ names: roomNames(room), thing: roomThing(room) }));
    case 'messages':
      return aims.messages.map((message) => ({ names: { ...roomNames(message.room), eventId: message.eventId }, thing: messageThing(message), room: roomThing(message.room) }));
    case 'files':
      return aims.files.map((file) => ({ names: { serverName: file.serverName, mediaId: file.mediaId }, thing: fileThing(file) }));
    case 'people':
      return aims.people.map((person) => ({ names: personNames(person), thing: personThing(person) }));
  }
}

function roomNames({ roomId, alias, name, founder, members }: Room): Names {
  return { roomId, founder: founder.userId, mark: name.slice(name.lastIndexOf(' ') + 1), member: members[1]?.userId ?? founder.userId, ...(alias === undefined ? {} : { alias }) };
}

function personNames({ userId, localpart, deviceId }: Person): Names {
  return { userId, localpart, deviceId };
}

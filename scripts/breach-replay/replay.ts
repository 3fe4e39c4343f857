import type { Aims, Attack } from './attack.js';
import { attacks } from './attacks.js';
import type { Ministry, Person, Room } from './ministry.js';
import { newThief, tracesOf, type Tally, type Traces } from './thief.js';

/** What an attack came to: by the stolen account, and by somebody without any. */
export interface Outcome {
  readonly attack: Attack;
  readonly stolen: Tally;
  readonly anonymous: Tally;
}

/** What an attack comes to when somebody runs it on what is theirs. */
export interface Control {
  readonly attack: Attack;
  readonly tally: Tally;
}

/** Lets an anonymous caller, then the stolen account, try everything. Only what is not the victim's own counts. */
export async function replay(baseUrl: string, ministry: Ministry): Promise<readonly Outcome[]> {
  const at = { baseUrl, traces: tracesOf(ministry) };
  const { rooms, messages, files, people, victim } = ministry;
  const everything: Aims = { ministry, rooms, messages, files, people };
  const ofOthers: Aims = {
    ministry, rooms,
    messages: messages.filter(({ isOwn }) => !isOwn), files: files.filter(({ isOwn }) => !isOwn), people: people.filter(({ isOwn }) => !isOwn),
  };
  const anonymous: Tally[] = [];
  for (const attack of attacks) anonymous.push(await runOne(at, attack, undefined, everything));
  const outcomes: Outcome[] = [];
  for (const [i, attack] of attacks.entries()) {
    const stolen = await runOne(at, attack, victim, ofOthers);
    outcomes.push({ attack, stolen, anonymous: anonymous[i] ?? stolen });
  }
  return outcomes;
}

/**
 * The same attacks by the founder of a private room, aimed at that room, its messages, its files and its members: nobody refuses them,
 * so an attack that reaches nothing here is malformed, or its path is not served.
 */
export async function controls(baseUrl: string, ministry: Ministry): Promise<readonly Control[]> {
  const at = { baseUrl, traces: tracesOf(ministry) };
  const room = ministry.rooms.find((candidate) => isInstructive(ministry, candidate));
  if (room === undefined) throw new Error('no room with an alias, a file and three members');
  const inRoom = (thing: { readonly room: Room }): boolean => thing.room.roomId === room.roomId;
  const aims: Aims = {
    ministry,
    rooms: [room],
    messages: ministry.messages.filter(inRoom),
    files: ministry.files.filter(inRoom),
    people: room.members.filter(({ userId }) => userId !== room.founder.userId),
  };
  const results: Control[] = [];
  for (const attack of attacks) results.push({ attack, tally: await runOne(at, attack, room.founder, aims, () => true) });
  return results;
}

/** Whether the server knows every path of the attack. */
export function isServed({ answers }: Tally): boolean {
  return !answers.has('404 M_UNRECOGNIZED');
}

function isInstructive({ files }: Ministry, room: Room): boolean {
  const isShared = files.some((file) => file.room.roomId === room.roomId && file.uploader.userId !== room.founder.userId);
  return room.kind === 'private' && !room.isOwn && room.alias !== undefined && room.members.length >= 3 && isShared;
}

async function runOne(
  at: { baseUrl: string; traces: Traces }, attack: Attack, who: Person | undefined, aims: Aims, counts = isOfOthers(who),
): Promise<Tally> {
  const { thief, tally } = newThief(at, who, counts);
  await attack.run(thief, aims);
  return tally();
}

/** An anonymous caller has nothing of his own. */
function isOfOthers(who: Person | undefined): (thing: { readonly isOwn: boolean }) => boolean {
  return ({ isOwn }) => who === undefined || !isOwn;
}

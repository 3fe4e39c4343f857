import { randomBytes } from 'node:crypto';
import { each, must, path, request } from './http.js';
import type { Person, Room, RoomKind } from './ministry.js';
import type { Target } from './servers.js';

/** How the victim stands to a room: what happens half-way through what is said there. */
export type Part = 'stranger' | 'member' | 'joins late' | 'leaves' | 'is kicked' | 'invited';

/** A room that was made and where nothing was said yet. */
export interface Plan extends Room {
  readonly part: Part;
  readonly victim: Person;
  /** Joins once the victim is gone: not one of those whom the victim knew there. */
  readonly newcomer: Person | undefined;
  readonly known: readonly Person[];
  /** The server let users have it as they would by default: anybody may join, nothing is encrypted. */
  readonly isPublic: boolean;
}

interface Staff {
  readonly accounts: readonly Person[];
  readonly close: number;
  readonly count: number;
  readonly run: string;
}

type Made = 'published' | 'public' | 'private';

const PARTS: readonly Part[] = ['member', 'joins late', 'leaves', 'is kicked', 'invited'];
const SPACE = PARTS.length;
/** Of the rooms of strangers: a quarter public, an eighth each for knocking and for members of the space, the rest private. */
const KINDS_OF_STRANGERS: readonly RoomKind[] = ['private', 'public', 'private', 'knock', 'private', 'public', 'restricted', 'private'];

export async function fillRooms(target: Target, staff: Staff): Promise<{ plans: readonly Plan[]; sentences: readonly string[] }> {
  const outcomes: { kind: RoomKind; made: Made }[] = [];
  const make = async (i: number, spaceId?: string): Promise<Plan> => {
    const { plan, made } = await makeRoom(target, staff, i, spaceId);
    outcomes.push({ kind: plan.kind, made });
    return plan;
  };
  const space = await make(SPACE);
  const others = Array.from({ length: staff.count }, (_, i) => i).filter((i) => i !== SPACE);
  const plans = [space, ...(await each(others, (i) => make(i, space.roomId)))];
  await each(plans.filter(({ kind }) => kind === 'restricted'), async ({ roomId }) => {
    const where = path`/_matrix/client/v3/rooms/${space.roomId}/state/m.space.child/${roomId}`;
    await must(target.baseUrl, 'PUT', where, { token: space.founder.token, body: { via: ['localhost'] } });
  });
  return { plans, sentences: [sentenceOf(outcomes)] };
}

function sentenceOf(outcomes: readonly { kind: RoomKind; made: Made }[]): string {
  const count = (of: (outcome: { kind: RoomKind; made: Made }) => boolean): number => outcomes.filter(of).length;
  const wanted = count(({ kind }) => kind === 'public');
  return `${outcomes.length} rooms: ${wanted} were asked for as public and published, of which the server made ${count(({ made }) => made === 'published')} as asked (whether it lists them, /publicRooms tells), `
    + `${count(({ made }) => made === 'public')} public when nobody asked for publishing, and refused ${count(({ kind, made }) => kind === 'public' && made === 'private')}, `
    + `which were then made private and encrypted; ${count(({ kind }) => kind === 'private')} private, ${count(({ kind }) => kind === 'knock')} to knock at, `
    + `${count(({ kind }) => kind === 'restricted')} for members of the one space, all encrypted`;
}

async function makeRoom(target: Target, staff: Staff, i: number, spaceId?: string): Promise<{ plan: Plan; made: Made }> {
  const part = PARTS[i] ?? 'stranger';
  const kind = part !== 'stranger' ? 'private' : i === SPACE ? 'space' : KINDS_OF_STRANGERS[i % KINDS_OF_STRANGERS.length] ?? 'private';
  const [victim, founder, ...others] = cast(staff, i, part);
  if (victim === undefined || founder === undefined) throw new Error('a room without people');
  const mark = randomBytes(6).toString('hex');
  const about = { name: `Room ${mark}`, topic: `The topic of ${mark}` };
  const alias = i % 2 === 0 && kind !== 'public' ? undefined : `room-${staff.run}-${i}`;
  const { roomId, made } = await create(target.baseUrl, founder, kind, { ...about, alias, spaceId, part });
  const early = part === 'member' || part === 'leaves' || part === 'is kicked' ? [victim] : [];
  const newcomer = part === 'leaves' || part === 'is kicked' ? staff.accounts.at(-1) : undefined;
  for (const person of [...others, ...early]) await bringIn(target.baseUrl, roomId, founder, person, made);
  const members = [founder, ...others];
  const isOwn = part !== 'stranger';
  return {
    made,
    plan: {
      roomId, kind, ...about, alias: alias && `#${alias}:${founder.userId.split(':').slice(1).join(':')}`, founder, members, isOwn,
      part, victim, newcomer, known: isOwn ? [victim, ...members] : [], isPublic: made !== 'private',
    },
  };
}

/** The golden ratio: wherever one starts, the next start is far from all before. */
const SPREAD = 0.618;

/** The victim, who takes part in few of them; the founder; and from 2 to 12 further people. */
function cast({ accounts, close }: Staff, i: number, part: Part): readonly Person[] {
  const [victim, ...rest] = accounts;
  // The last one joins once the victim is gone, and must not have been met before.
  const pool = part === 'stranger' ? rest : rest.slice(0, close);
  const wanted = part === 'stranger' ? Math.min(3 + ((i * 7) % 11), Math.max(3, Math.floor(accounts.length / 4))) : 3;
  const start = part === 'stranger' ? Math.floor(i * SPREAD * pool.length) : i;
  const chosen = Array.from({ length: Math.min(wanted, pool.length) }, (_, n) => pool[(start + n) % pool.length]);
  const people = [...new Set(chosen)].filter((person) => person !== undefined);
  return victim === undefined ? [] : [victim, ...people];
}

interface About {
  readonly name: string;
  readonly topic: string;
  readonly alias: string | undefined;
  readonly spaceId: string | undefined;
  readonly part: Part;
}

/** A public room is asked for as Element asks for it; refused, without publishing; refused again, as a private one. */
async function create(baseUrl: string, founder: Person, kind: RoomKind, about: About): Promise<{ roomId: string; made: Made }> {
  const { token } = founder;
  const common = { name: about.name, topic: about.topic, ...(about.alias && { room_alias_name: about.alias }) };
  if (kind === 'public') {
    for (const [visibility, made] of [['public', 'published'], ['private', 'public']] as const) {
      const answer = await request(baseUrl, 'POST', '/_matrix/client/v3/createRoom', { token, body: { ...common, preset: 'public_chat', visibility } });
      if (answer.status === 200) return { roomId: String(answer.body['room_id']), made };
    }
  }
  const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
  const body = {
    ...common, preset: 'private_chat', initial_state: [...(kind === 'space' ? [] : [encryption]), ...joinRule(kind, about.spaceId), ...history(about.part)],
    ...(kind === 'space' && { creation_content: { type: 'm.space' } }),
  };
  const { room_id: roomId } = await must<{ room_id: string }>(baseUrl, 'POST', '/_matrix/client/v3/createRoom', { token, body });
  return { roomId, made: 'private' };
}

function joinRule(kind: RoomKind, spaceId: string | undefined): readonly object[] {
  const rule = (content: object): readonly object[] => [{ type: 'm.room.join_rules', state_key: '', content }];
  if (kind === 'knock') return rule({ join_rule: 'knock' });
  return kind === 'restricted' ? rule({ join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: spaceId }] }) : [];
}

/** Where the victim joins late, what was said before stays with those who were there. */
function history(part: Part): readonly object[] {
  return part === 'joins late' ? [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }] : [];
}

export async function bringIn(baseUrl: string, roomId: string, founder: Person, person: Person, made: Made): Promise<void> {
  if (made === 'private') await must(baseUrl, 'POST', path`/_matrix/client/v3/rooms/${roomId}/invite`, { token: founder.token, body: { user_id: person.userId } });
  await must(baseUrl, 'POST', path`/_matrix/client/v3/rooms/${roomId}/join`, { token: person.token, body: {} });
}

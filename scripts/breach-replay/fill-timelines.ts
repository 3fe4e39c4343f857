import { createHash, randomBytes } from 'node:crypto';
import { sealed } from '../../spec-tests/sealed.js';
import { bringIn, type Part, type Plan } from './fill-rooms.js';
import { each, must, path, request } from './http.js';
import type { File, Message, Person, Room, Size } from './ministry.js';
import { picture } from './picture.js';
import type { Target } from './servers.js';

interface Told {
  readonly rooms: readonly Room[];
  readonly messages: readonly Message[];
  readonly files: readonly File[];
  readonly sentences: readonly string[];
}

let transactions = 0;

/** In this order, one after the other, and before all rooms of strangers. */
const ORDER: readonly Part[] = ['member', 'invited', 'joins late', 'leaves', 'is kicked'];

/**
 * Everything that is said and shared; half-way through it the victim comes or goes. A message shares what its sender uploaded in the ten
 * minutes before (RULES C2), and a whole ministry speaks here within one: so nobody speaks to the victim after having uploaded something
 * for others.
 */
export async function tell({ baseUrl }: Target, plans: readonly Plan[], size: Size): Promise<Told> {
  const messages: Message[] = [];
  const files: File[] = [];
  const tellOne = async (plan: Plan, i: number): Promise<void> => {
    files.push(await hang(baseUrl, plan));
    const filesHere = Math.floor(size.files / plans.length) + (i < size.files % plans.length ? 1 : 0);
    for (const half of [0, 1] as const) {
      if (half === 1) await turn(baseUrl, plan);
      const speakers = speakersIn(plan, half);
      const share = (count: number): number => (half === 0 ? Math.ceil(count / 2) : Math.floor(count / 2));
      for (let n = 0; n < share(filesHere); n += 1) {
        const file = await upload(baseUrl, plan, { n, speakers, isOwn: isHeard(plan.part, half) && !isGone(plan.part) });
        files.push(file);
        messages.push(await say(baseUrl, plan, { n, speakers, isOwn: isHeard(plan.part, half), file }));
      }
      const further = Math.max(1, share(size.messagesPerRoom) - share(filesHere));
      for (let n = 0; n < further; n += 1) messages.push(await say(baseUrl, plan, { n, speakers, isOwn: isHeard(plan.part, half) }));
    }
  };
  const near = ORDER.flatMap((part) => plans.filter((plan) => plan.part === part));
  for (const [i, plan] of near.entries()) await tellOne(plan, i);
  await each(plans.filter(({ part }) => part === 'stranger'), (plan, i) => tellOne(plan, near.length + i));
  const inClear = <Item extends { isInClear: boolean }>(items: readonly Item[]): number => items.filter((item) => item.isInClear).length;
  return {
    rooms: plans, messages, files,
    sentences: [
      `${messages.length} messages, ${inClear(messages)} of them in clear (in the rooms that the server let be public, where clients encrypt nothing)`,
      `${files.length} files, ${inClear(files)} of them in clear (pictures and texts of the same rooms, and the avatars of all), the others encrypted by the client`,
    ],
  };
}

/** Whether the victim may know what is said in this half. Who is invited may join and read what was said before. */
function isHeard(part: Part, half: 0 | 1): boolean {
  switch (part) {
    case 'member':
    case 'invited':
      return true;
    case 'joins late':
      return half === 1;
    case 'leaves':
    case 'is kicked':
      return half === 0;
    case 'stranger':
      return false;
  }
}

/** Where the victim joins late, who shared something before does not speak to them afterwards, which would share it again. */
function speakersIn({ part, founder, members }: Plan, half: 0 | 1): readonly Person[] {
  if (part !== 'joins late') return members;
  return half === 0 ? [founder] : members.filter(({ userId }) => userId !== founder.userId);
}

/** What was said stays with those who heard it; files end with the membership (RULES C5). */
function isGone(part: Part): boolean {
  return part === 'leaves' || part === 'is kicked';
}

async function turn(baseUrl: string, { part, victim, founder, roomId, newcomer }: Plan): Promise<void> {
  const invite = (person: Person): Promise<unknown> =>
    must(baseUrl, 'POST', path`/_matrix/client/v3/rooms/${roomId}/invite`, { token: founder.token, body: { user_id: person.userId } });
  if (part === 'joins late') await bringIn(baseUrl, roomId, founder, victim, 'private');
  if (part === 'invited') await invite(victim);
  if (part === 'leaves') await must(baseUrl, 'POST', path`/_matrix/client/v3/rooms/${roomId}/leave`, { token: victim.token, body: {} });
  if (part === 'is kicked') await must(baseUrl, 'POST', path`/_matrix/client/v3/rooms/${roomId}/kick`, { token: founder.token, body: { user_id: victim.userId } });
  if (newcomer !== undefined) await bringIn(baseUrl, roomId, founder, newcomer, 'private');
}

interface Utterance {
  readonly n: number;
  readonly speakers: readonly Person[];
  readonly isOwn: boolean;
  readonly file?: File;
}

async function say(baseUrl: string, room: Plan, { n, speakers, isOwn, file }: Utterance): Promise<Message> {
  const sender = speakers[n % speakers.length] ?? room.founder;
  transactions += 1;
  const words = `Words ${randomBytes(12).toString('hex')}`;
  const content = room.isPublic ? inClear(words, file) : sealed({ index: n, deviceId: sender.deviceId, session: room.roomId });
  const type = room.isPublic ? 'm.room.message' : 'm.room.encrypted';
  const where = path`/_matrix/client/v3/rooms/${room.roomId}/send/${type}/${`replay${process.pid}.${transactions}`}`;
  // A file is sent by who uploaded it.
  const { event_id: eventId } = await must<{ event_id: string }>(baseUrl, 'PUT', where, { token: (file?.uploader ?? sender).token, body: content });
  const secret = 'ciphertext' in content ? String(content.ciphertext) : words;
  return { eventId, room, sender: file?.uploader ?? sender, secret, isInClear: room.isPublic, isOwn };
}

function inClear(words: string, file: File | undefined): object {
  return file === undefined
    ? { msgtype: 'm.text', body: words }
    : { msgtype: 'm.file', body: words, url: `mxc://${file.serverName}/${file.mediaId}` };
}

/** The picture of a room. What lies on the server may be another file than was uploaded: it is known by what its owner is given. */
async function hang(baseUrl: string, room: Plan): Promise<File> {
  const { founder, part, roomId } = room;
  const { token } = founder;
  const { content_uri: url } = await must<{ content_uri: string }>(baseUrl, 'POST', '/_matrix/media/v3/upload', { token, upload: { bytes: picture(), type: 'image/png' } });
  await must(baseUrl, 'PUT', path`/_matrix/client/v3/rooms/${roomId}/state/m.room.avatar`, { token, body: { url } });
  const [serverName = '', mediaId = ''] = url.slice('mxc://'.length).split('/');
  const { bytes } = await request(baseUrl, 'GET', path`/_matrix/client/v1/media/download/${serverName}/${mediaId}`, { token });
  const isOwn = part !== 'stranger' && !isGone(part);
  return { serverName, mediaId, sha256: createHash('sha256').update(bytes).digest('hex'), room, uploader: founder, isInClear: true, isOwn };
}

async function upload(baseUrl: string, room: Plan, { n, speakers, isOwn }: Utterance): Promise<File> {
  const uploader = speakers[(n + 1) % speakers.length] ?? room.founder;
  const [bytes, type] = !room.isPublic
    ? [randomBytes(4096), 'application/octet-stream']
    : n % 2 === 0 ? [picture(), 'image/png'] : [Buffer.from(`A note, ${randomBytes(400).toString('hex')}`), 'text/plain'];
  const { content_uri } = await must<{ content_uri: string }>(baseUrl, 'POST', '/_matrix/media/v3/upload', { token: uploader.token, upload: { bytes, type } });
  const [serverName = '', mediaId = ''] = content_uri.slice('mxc://'.length).split('/');
  return { serverName, mediaId, sha256: createHash('sha256').update(bytes).digest('hex'), room, uploader, isInClear: room.isPublic, isOwn };
}

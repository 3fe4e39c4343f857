import { filled, isOk, probe, targets, type Attack, type Names, type Over } from './attack.js';
import { each, type Answer } from './http.js';
import { hintOf } from './ministry.js';

const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';
const NO_EVENT = `$${'A'.repeat(43)}`;
/** The names of what is nowhere, spelt as the server spells its own. */
const NOWHERE: Names = {
  roomId: '!nothingAtAllIsHere:localhost', eventId: NO_EVENT, alias: '#nothing-at-all:localhost',
  userId: '@agent-that-nobody-is:localhost', localpart: 'agent-that-nobody-is', member: '@agent-that-nobody-is:localhost', mediaId: 'A'.repeat(32),
};

/**
 * Whether something exists is told by whatever is answered otherwise for it than for what does not (RULES C2, D3, D5, D9). The words of an
 * answer are compared, without the names that were asked for.
 */
export const oracleAttacks: readonly Attack[] = [
  oracle('D9', `POST ${V3}/rooms/{roomId}/report`, 'nobody', 'rooms', { reason: 'x' }),
  oracle('D9', `POST ${V3}/rooms/{roomId}/report/{eventId}`, 'nobody', 'messages', { reason: 'x' }),
  oracle('D3', `POST ${V3}/users/{userId}/report`, 'nobody', 'people', { reason: 'x' }),
  oracle('D6', `GET ${V3}/presence/{userId}/status`, 'members', 'people'),
  oracle('D3', `GET ${V3}/profile/{userId}`, 'members', 'people'),
  oracle('C6', `GET ${V3}/admin/whois/{userId}`, 'nobody', 'people'),
  oracle('C6', `PUT ${V1}/admin/suspend/{userId}`, 'nobody', 'people', { suspended: true }),
  oracle('C2', `GET ${V1}/media/download/{serverName}/{mediaId}`, 'members', 'files'),
  oracle('C8', `GET ${V1}/media/thumbnail/{serverName}/{mediaId}?width=32&height=32&method=crop`, 'members', 'files'),
  oracle('C3', 'PUT /_matrix/media/v3/upload/{serverName}/{mediaId}', 'members', 'files', {}),
  oracle('D9', `GET ${V1}/rooms/{roomId}/timestamp_to_event?ts=1&dir=f`, 'members', 'rooms'),
  oracle('D9', `GET ${V1}/rooms/{roomId}/threads`, 'members', 'rooms'),
  oracle('D9', `GET ${V1}/rooms/{roomId}/relations/{eventId}`, 'members', 'messages'),
  oracle('D9', `GET ${V3}/rooms/{roomId}/event/{eventId}`, 'members', 'messages'),
  oracle('A9', `GET ${V1}/room_summary/{roomId}`, 'members', 'rooms'),
  oracle('D9', `PUT ${V3}/rooms/{roomId}/typing/{me}`, 'members', 'rooms', { typing: false }),
  oracle('B4', `PUT ${V3}/rooms/{roomId}/send/m.reaction/oracle`, 'members', 'rooms', { 'm.relates_to': { rel_type: 'm.annotation', event_id: NO_EVENT, key: 'x' } }),
  oracle('A8', `GET ${V3}/directory/room/{alias}`, 'members', 'rooms'),
  probe('D7', `POST ${V3}/user/{userId}/openid/request_token`, 'nobody', { over: 'people', body: () => ({}), breach: isOk }),
  probe('D7', 'GET /_matrix/federation/v1/openid/userinfo?access_token={localpart}', 'nobody', { over: 'people', breach: isOk }),
  probe('D7', 'GET /_matrix/federation/v1/openid/userinfo?access_token={token}', 'nobody', { over: 'once', breach: isOk, bare: true }),
  probe('D9', `GET ${V3}/notifications?only=highlight&limit=1000&from=s1`, 'nobody', { over: 'once' }),
];

function oracle(rule: string, name: string, reachedBy: Attack['reachedBy'], over: Over, body?: object): Attack {
  const [method = '', template = ''] = name.split(' ');
  return {
    rule, path: `${name} {as of nothing}`, reachedBy,
    async run(thief, aims) {
      const own = { me: thief.who?.userId ?? '@nobody:localhost', serverName: aims.ministry.serverName };
      const answerTo = async (names: Names): Promise<string | undefined> => {
        const where = filled(template, { ...own, ...names });
        return where === undefined ? undefined : wordsOf(await thief.ask(method, where, body === undefined ? {} : { body }), names);
      };
      const forNothing = await answerTo(NOWHERE);
      await each(targets(aims, over), async ({ names, thing }) => {
        const answer = await answerTo(names);
        // Of an event one may know the room.
        const otherwise = over === 'messages' ? await answerTo({ ...names, eventId: NO_EVENT }) : forNothing;
        if (thing !== undefined && answer !== undefined && answer !== otherwise) thief.took(hintOf(thing));
      });
    },
  };
}

function wordsOf({ status, bytes }: Answer, names: Names): string {
  return Object.values(names).reduce((text, name) => text.replaceAll(name, ''), `${status} ${bytes.toString()}`);
}

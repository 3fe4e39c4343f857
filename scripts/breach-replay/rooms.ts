import { isOk, probe, type Aims, type Attack } from './attack.js';
import { each, path } from './http.js';
import { roomThing, type Room } from './ministry.js';
import type { Thief } from './thief.js';

const V3 = '/_matrix/client/v3';

/** RULES A: finding rooms, looking into them, and getting in. */
export const roomAttacks: readonly Attack[] = [
  probe('A7', `GET ${V3}/publicRooms?limit=500`, 'nobody', { over: 'once' }),
  probe('A7', `GET ${V3}/publicRooms?limit=500&server={serverName}`, 'nobody', { over: 'once' }),
  probe('A7', `POST ${V3}/publicRooms`, 'nobody', { over: 'once', body: () => ({ limit: 500, filter: { generic_search_term: 'Room' } }) }),
  probe('A7', `GET ${V3}/directory/list/room/{roomId}`, 'members', { over: 'rooms', breach: isOk, breaches: 'hint' }),
  probe('A8', `GET ${V3}/directory/room/{alias}`, 'members', { over: 'rooms' }),
  probe('A8', `GET ${V3}/rooms/{roomId}/aliases`, 'members', { over: 'rooms' }),
  probe('A9', 'GET /_matrix/client/v1/room_summary/{roomId}', 'members', { over: 'rooms' }),
  probe('A9', 'GET /_matrix/client/unstable/im.nheko.summary/summary/{roomId}', 'members', { over: 'rooms' }),
  probe('A9', 'GET /_matrix/client/v1/rooms/{roomId}/hierarchy', 'members', { over: 'rooms' }),
  probe('A6', `GET ${V3}/rooms/{roomId}/initialSync`, 'nobody', { over: 'rooms' }),
  probe('A6', `GET ${V3}/initialSync`, 'nobody', { over: 'once' }),
  probe('A6', `GET ${V3}/events?room_id={roomId}&timeout=0`, 'nobody', { over: 'rooms' }),
  probe('A6', `GET ${V3}/events/{eventId}`, 'nobody', { over: 'messages' }),
  {
    rule: 'A9', path: 'GET /_matrix/client/v1/rooms/{a space of one\'s own that names every room}/hierarchy', reachedBy: 'members',
    async run(thief, { rooms }) {
      const { body } = await thief.ask('POST', `${V3}/createRoom`, { body: { preset: 'private_chat', creation_content: { type: 'm.space' } } });
      const space = String(body['room_id'] ?? '!none:localhost');
      await each(rooms, ({ roomId }) => thief.ask('PUT', path`/_matrix/client/v3/rooms/${space}/state/m.space.child/${roomId}`, { body: { via: ['localhost'] } }));
      await thief.ask('GET', `${path`/_matrix/client/v1/rooms/${space}/hierarchy`}?limit=1000`);
    },
  },
  {
    rule: 'A9', path: `POST ${V3}/knock/{roomId}, then /sync`, reachedBy: 'members',
    async run(thief, { rooms }) {
      const others = rooms.filter(({ isOwn }) => !isOwn);
      await each(others, ({ roomId }) => thief.ask('POST', path`/_matrix/client/v3/knock/${roomId}`, { body: {} }));
      // Only what is shown to who waits at the door: the rooms he is in are no business of this attack.
      await thief.ask('GET', `${V3}/sync?timeout=0&filter=${encodeURIComponent(JSON.stringify({ room: { rooms: others.map(({ roomId }) => roomId) } }))}`);
    },
  },
  ...ways('A4', `POST ${V3}/rooms/{roomId}/join`, ({ roomId }) => path`/rooms/${roomId}/join`),
  ...ways('A4', `POST ${V3}/join/{roomId}`, ({ roomId }) => path`/join/${roomId}`),
  ...ways('A8', `POST ${V3}/join/{alias}`, ({ alias }) => alias && path`/join/${alias}`),
  ...['{"preset":"public_chat"}', '{"visibility":"public"}', '{"initial_state":[{"type":"m.room.join_rules","state_key":"","content":{"join_rule":"public"}}]}']
    .map((body) => openDoor(body)),
];

/** Goes in, and takes what a member may have. */
function ways(rule: string, name: string, where: (room: Room) => string | undefined): readonly Attack[] {
  return [{
    rule, path: name, reachedBy: 'members',
    async run(thief, { rooms }) {
      await each(rooms, async (room) => {
        const joined = where(room) && await thief.ask('POST', `${V3}${where(room)}`, { body: {} });
        if (!joined || joined.status !== 200) return;
        thief.took(roomThing(room));
        for (const what of ['messages?dir=b&limit=1000', 'state', 'joined_members']) await thief.ask('GET', `${V3}${path`/rooms/${room.roomId}/`}${what}`);
      });
    },
  }];
}

/** A room of the attacker's own that a stranger can walk into. */
function openDoor(body: string): Attack {
  return {
    rule: 'A1', path: `POST ${V3}/createRoom ${body}`, reachedBy: 'nobody',
    run: async (thief: Thief, _: Aims) => {
      const { status, body: answer } = await thief.ask('POST', `${V3}/createRoom`, { body: JSON.parse(body) as object });
      if (status === 200) thief.took({ kind: 'doors', id: String(answer['room_id']), isOwn: false, isInClear: true });
    },
  };
}

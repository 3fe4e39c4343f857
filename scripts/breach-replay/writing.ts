import { sealed } from '../../spec-tests/sealed.js';
import { isOk, probe, type Attack } from './attack.js';

const V3 = '/_matrix/client/v3';
const FOREVER = 'org.matrix.msc4140.delay=1';

/** Changing what belongs to others, which would open it or destroy it. */
export const writingAttacks: readonly Attack[] = [
  probe('B4', `PUT ${V3}/rooms/{roomId}/send/m.room.encrypted/replay`, 'members', { over: 'rooms', body: () => sealed(), breach: isOk }),
  probe('B4', `PUT ${V3}/rooms/{roomId}/send/m.room.message/replay`, 'nobody', { over: 'rooms', body: () => ({ msgtype: 'm.text', body: 'Hello' }), breach: isOk }),
  probe('A2', `PUT ${V3}/rooms/{roomId}/send/m.room.encrypted/late?${FOREVER}`, 'members', { over: 'rooms', body: () => sealed(), breach: isOk }),
  probe('A2', `PUT ${V3}/rooms/{roomId}/state/m.room.join_rules?${FOREVER}`, 'nobody', { over: 'rooms', body: () => ({ join_rule: 'public' }), breach: isOk }),
  probe('A2', `PUT ${V3}/rooms/{roomId}/state/m.room.join_rules`, 'nobody', { over: 'rooms', body: () => ({ join_rule: 'public' }), breach: isOk }),
  probe('A4', `PUT ${V3}/rooms/{roomId}/state/m.room.history_visibility`, 'nobody', { over: 'rooms', body: () => ({ history_visibility: 'world_readable' }), breach: isOk }),
  probe('A5', `PUT ${V3}/rooms/{roomId}/state/m.room.guest_access`, 'nobody', { over: 'rooms', body: () => ({ guest_access: 'can_join' }), breach: isOk }),
  probe('B2', `PUT ${V3}/rooms/{roomId}/state/m.room.encryption`, 'nobody', { over: 'rooms', body: () => ({ algorithm: 'none' }), breach: isOk }),
  probe('A2', `PUT ${V3}/rooms/{roomId}/state/m.room.topic`, 'members', { over: 'rooms', body: () => ({ topic: 'Changed' }), breach: isOk }),
  probe('A2', `PUT ${V3}/rooms/{roomId}/state/m.room.power_levels`, 'nobody', { over: 'rooms', body: ({ me = '' }) => ({ users: { [me]: 1000 } }), breach: isOk }),
  probe('A13', `PUT ${V3}/rooms/{roomId}/state/m.room.third_party_invite/token`, 'nobody', {
    over: 'rooms', body: () => ({ display_name: 'x', key_validity_url: 'https://elsewhere.example', public_key: 'x' }), breach: isOk,
  }),
  probe('A13', `POST ${V3}/rooms/{roomId}/invite {an e-mail address}`, 'nobody', {
    over: 'rooms', body: () => ({ id_server: 'elsewhere.example', id_access_token: 'x', medium: 'email', address: 'a@elsewhere.example' }), breach: isOk,
  }),
  probe('A12', `PUT ${V3}/rooms/{roomId}/state/m.room.member/{me}`, 'members', { over: 'rooms', body: () => ({ membership: 'join' }), breach: isOk }),
  probe('A7', `PUT ${V3}/directory/list/room/{roomId}`, 'nobody', { over: 'rooms', body: () => ({ visibility: 'public' }), breach: isOk }),
  probe('A8', `PUT ${V3}/directory/room/%23mine-{mark}:{serverName}`, 'members', {
    over: 'rooms', body: ({ roomId = '' }) => ({ room_id: roomId }), breach: isOk,
  }),
  probe('A12', `POST ${V3}/rooms/{roomId}/invite`, 'members', { over: 'rooms', body: ({ serverName = '' }) => ({ user_id: `@accomplice:${serverName}` }), breach: isOk }),
  probe('B16', `PUT ${V3}/rooms/{roomId}/redact/{eventId}/replay-{eventId}`, 'members', { over: 'messages', body: () => ({}), breach: isOk }),
  probe('B16', `PUT ${V3}/rooms/{roomId}/send/m.room.redaction/through-{eventId}`, 'members', {
    over: 'messages', body: ({ eventId = '' }) => ({ redacts: eventId }), breach: isOk,
  }),
  probe('D9', `POST ${V3}/rooms/{roomId}/receipt/m.read/{eventId}`, 'members', { over: 'messages', body: () => ({}), breach: isOk, breaches: 'room' }),
  probe('D9', `PUT ${V3}/rooms/{roomId}/typing/{me}`, 'members', { over: 'rooms', body: () => ({ typing: true, timeout: 1000 }), breach: isOk }),
  probe('A2', `POST ${V3}/rooms/{roomId}/kick`, 'members', { over: 'rooms', body: ({ member = '' }) => ({ user_id: member }), breach: isOk }),
  probe('A2', `POST ${V3}/rooms/{roomId}/ban`, 'members', { over: 'rooms', body: ({ member = '' }) => ({ user_id: member }), breach: isOk }),
  probe('A2', `POST ${V3}/rooms/{roomId}/unban`, 'members', { over: 'rooms', body: ({ member = '' }) => ({ user_id: member }), breach: isOk }),
  probe('A10', `POST ${V3}/rooms/{roomId}/upgrade`, 'members', { over: 'rooms', body: () => ({ new_version: '11' }), breach: isOk }),
  probe('A8', `DELETE ${V3}/directory/room/{alias}`, 'members', { over: 'rooms', breach: isOk }),
];

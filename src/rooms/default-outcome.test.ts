import { expect, it } from '@jest/globals';
import type { Pdu } from '../matrix/event.js';
import { parseEventId, parseRoomId, parseUserId } from '../matrix/identifiers.js';
import { defaultOutcome } from './default-outcome.js';

const roomId = parseRoomId('!room:x');
const event = (members: Pick<Pdu, 'type' | 'content'> & { state_key?: string }): Pdu => ({
  sender: parseUserId('@a:x'),
  room_id: roomId,
  origin_server_ts: 1,
  depth: 1,
  prev_events: [parseEventId('$before')],
  auth_events: [],
  hashes: { sha256: '' },
  signatures: {},
  ...members,
});

it.each([
  ['ciphertext notifies', { type: 'm.room.encrypted', content: { algorithm: 'm.megolm.v1.aes-sha2' } }, { notify: 1, highlight: 0 }],
  ['ciphertext in a thread notifies', { type: 'm.room.encrypted', content: { 'm.relates_to': { rel_type: 'm.thread', event_id: '$a' } } }, { notify: 1, highlight: 0 }],
  ['an edit does not', { type: 'm.room.encrypted', content: { 'm.relates_to': { rel_type: 'm.replace', event_id: '$a' } } }, { notify: 0, highlight: 0 }],
  ['a reaction does not', { type: 'm.reaction', content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$a', key: 'x' } } }, { notify: 0, highlight: 0 }],
  ['a redaction does not', { type: 'm.room.redaction', content: { redacts: '$a' } }, { notify: 0, highlight: 0 }],
  ['a membership does not', { type: 'm.room.member', state_key: '@b:x', content: { membership: 'join' } }, { notify: 0, highlight: 0 }],
  ['an invitation is no news to the others', { type: 'm.room.member', state_key: '@b:x', content: { membership: 'invite' } }, { notify: 0, highlight: 0 }],
  ['a name does not', { type: 'm.room.name', state_key: '', content: { name: 'x' } }, { notify: 0, highlight: 0 }],
  ['a tombstone highlights', { type: 'm.room.tombstone', state_key: '', content: { body: 'moved' } }, { notify: 1, highlight: 1 }],
])('%s', (_, members, outcome) => {
  expect(defaultOutcome(event(members), roomId)).toEqual(outcome);
});

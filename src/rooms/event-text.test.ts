import { expect, it } from '@jest/globals';
import type { Pdu } from '../matrix/event.js';
import { parseEventId, parseRoomId, parseUserId } from '../matrix/identifiers.js';
import { roomVersion } from '../matrix/room-versions.js';
import { contentText, redactedText, storedTexts } from './event-text.js';

const target = parseEventId('$target');
const pdu = (members: Partial<Pdu>): Pdu => ({
  type: 'm.room.encrypted',
  sender: parseUserId('@a:x'),
  room_id: parseRoomId('!room:x'),
  content: {},
  origin_server_ts: 7,
  depth: 3,
  prev_events: [parseEventId('$before')],
  auth_events: [],
  hashes: { sha256: 'hash' },
  signatures: { x: { 'ed25519:1': 'signature' } },
  ...members,
});
const envelope = { depth: 3, prev_events: ['$before'], auth_events: [], hashes: { sha256: 'hash' }, signatures: { x: { 'ed25519:1': 'signature' } } };
const parsed = (event: Pdu) => {
  const { json, pdu: rest } = storedTexts(event, parseEventId('$id'));
  return [JSON.parse(json), JSON.parse(rest)] as unknown[];
};

it('what clients see and what only servers are told make up the whole event', () => {
  expect(parsed(pdu({ content: { ciphertext: 'x' } }))).toEqual([
    { content: { ciphertext: 'x' }, event_id: '$id', origin_server_ts: 7, sender: '@a:x', type: 'm.room.encrypted' },
    envelope,
  ]);
});

it('a redaction names its target in both places, whichever its version uses, and goes to other servers as it was signed', () => {
  const seen = { content: { redacts: target }, redacts: target, event_id: '$id', origin_server_ts: 7, sender: '@a:x', type: 'm.room.redaction' };
  expect(parsed(pdu({ type: 'm.room.redaction', redacts: target }))).toEqual([seen, { ...envelope, redacts: target }]);
  expect(parsed(pdu({ type: 'm.room.redaction', content: { redacts: target } }))).toEqual([seen, envelope]);
});

it('a redacted event keeps what says which event it is, and nothing of what it said', () => {
  const { json } = storedTexts(pdu({ type: 'm.room.name', state_key: '', content: { name: 'x' } }), parseEventId('$id'));
  const left = { content: {}, event_id: '$id', origin_server_ts: 7, sender: '@a:x', state_key: '', type: 'm.room.name' };
  expect(JSON.parse(redactedText(json, roomVersion('11')))).toEqual(left);
});

it('content comes first, state_key and type last', () => {
  expect(storedTexts(pdu({ type: 'm.room.name', state_key: 'k', content: { name: 'x' } }), parseEventId('$id')).json).toMatch(/^\{"content":\{.*,"state_key":"k","type":"m\.room\.name"\}$/);
});

it('finds the content of a stored text, whatever the content or the state key hold', () => {
  const content = { 'm.relates_to': { rel_type: 'm.thread', event_id: '$root' }, text: ',"event_id":"$x"' };
  const { json } = storedTexts(pdu({ content, state_key: ',"event_id":"' }), parseEventId('$this'));
  expect(contentText(json)).toBe(JSON.stringify(content));
});

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../matrix/schema.js';
import { isMegolm, messageViolations, reasonViolations } from './message.js';

const MAC_AND_SIGNATURE = 72;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function megolm({ index = 0, size = 32 } = {}): Buffer {
  return Buffer.concat([Buffer.from([3, 0x08, ...varint(index), 0x12, ...varint(size)]), randomBytes(size + MAC_AND_SIGNATURE)]);
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

const encrypted: JsonObject = { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: unpadded(megolm()), session_id: 'A'.repeat(43) };
const rules = (type: string, content: JsonObject) => messageViolations(type, content).map(({ rule, errcode }) => `${rule} ${errcode}`);

describe('Megolm framing', () => {
  const index = fc.nat({ max: 2 ** 32 - 1 });
  const size = fc.integer({ min: 1, max: 50_000 });

  it('is accepted with any index and any size', () => {
    fc.assert(fc.property(index, size, (i, n) => isMegolm(unpadded(megolm({ index: i, size: n })))));
  });

  it('is refused when anything is missing at its end', () => {
    fc.assert(fc.property(index, fc.integer({ min: 1, max: 500 }), fc.nat(), (i, n, cut) => {
      const whole = megolm({ index: i, size: n });
      return !isMegolm(unpadded(whole.subarray(0, cut % whole.length)));
    }));
  });

  it('is refused with anything behind it', () => {
    fc.assert(fc.property(index, fc.integer({ min: 1, max: 500 }), fc.uint8Array({ minLength: 1, maxLength: 300 }), (i, n, more) => !isMegolm(unpadded(Buffer.concat([megolm({ index: i, size: n }), more])))));
  });

  it('is refused with another version or another tag', () => {
    fc.assert(fc.property(fc.constantFrom(0, 1), fc.nat({ max: 255 }), (at, byte) => {
      const other = megolm();
      fc.pre(other[at] !== byte);
      other[at] = byte;
      return !isMegolm(unpadded(other));
    }));
  });

  it('is not what text is', () => {
    fc.assert(fc.property(fc.string(), (text) => !isMegolm(text) && !isMegolm(unpadded(Buffer.from(text)))));
  });

  it.each(['', 'A', '=', unpadded(megolm()) + '=', ` ${unpadded(megolm())}`, unpadded(megolm()).replace(/^./, '-'), `${unpadded(megolm())}\n`])('is not %j', (text) => {
    expect(isMegolm(text)).toBe(false);
  });

  it('is refused without a ciphertext, and with a length that does not end', () => {
    expect(isMegolm(unpadded(Buffer.concat([Buffer.from([3, 0x08, 0, 0x12, 0]), randomBytes(MAC_AND_SIGNATURE)])))).toBe(false);
    expect(isMegolm(unpadded(Buffer.concat([Buffer.from([3, 0x08, 0, 0x12]), Buffer.alloc(200, 0xff)])))).toBe(false);
    expect(isMegolm(unpadded(Buffer.concat([Buffer.from([3, 0x08]), Buffer.alloc(200, 0xff)])))).toBe(false);
  });
});

describe('B4: a timeline takes', () => {
  it.each(['m.room.message', 'm.sticker', 'm.call.invite', 'm.room.encryption', 'org.example', '', 'M.ROOM.ENCRYPTED', 'm.room.encrypted '])('no %j', (type) => {
    expect(rules(type, encrypted)).toEqual(['B4 M_FORBIDDEN']);
  });

  it('redactions with a reason and nothing else', () => {
    expect(rules('m.room.redaction', { redacts: '$a', reason: 'x'.repeat(512) })).toEqual([]);
    expect(rules('m.room.redaction', {})).toEqual([]);
    expect(rules('m.room.redaction', { redacts: '$a', body: 'hello' })).toEqual(['B4 M_BAD_JSON']);
    expect(rules('m.room.redaction', { redacts: 'a letter' })).toEqual(['B4 M_BAD_JSON']);
    expect(rules('m.room.redaction', { reason: 'x'.repeat(513) })).toEqual(['B8 M_INVALID_PARAM']);
    expect(rules('m.room.redaction', { reason: { text: 'x' } })).toEqual(['B8 M_BAD_JSON']);
  });
});

describe('B5: an encrypted message', () => {
  it('may name its device and its sender key', () => {
    expect(rules('m.room.encrypted', encrypted)).toEqual([]);
    expect(rules('m.room.encrypted', { ...encrypted, device_id: 'LAPTOP', sender_key: 'b'.repeat(43) })).toEqual([]);
    expect(rules('m.room.encrypted', { ...encrypted, device_id: 'a'.repeat(64) })).toEqual([]);
  });

  it.each<JsonObject>([
    { body: 'hello' }, { algorithm: 'm.olm.v1.curve25519-aes-sha2' }, { ciphertext: 'hello' }, { ciphertext: {} }, { ciphertext: `${unpadded(megolm())}AAAA` },
    { session_id: 'A'.repeat(42) }, { session_id: 'A'.repeat(44) }, { session_id: `${'A'.repeat(42)}-` }, { session_id: 1 }, { sender_key: 'hello' }, { sender_key: null },
    { device_id: '' }, { device_id: 'hello you' }, { device_id: 'a'.repeat(65) }, { device_id: 'é' }, { __proto: {} }, { 'm.mentions': {} },
  ])('with %j is malformed', (more) => {
    expect(rules('m.room.encrypted', { ...encrypted, ...more })).toEqual(['B5 M_BAD_JSON']);
  });

  it.each(['algorithm', 'ciphertext', 'session_id'])('without %s is malformed', (member) => {
    expect(rules('m.room.encrypted', { ...encrypted, [member]: undefined })).toEqual(['B5 M_BAD_JSON']);
  });
});

describe('B6: a relation', () => {
  const related = (relation: JsonObject | string) => rules('m.room.encrypted', { ...encrypted, 'm.relates_to': relation });

  it.each<JsonObject>([
    {}, { rel_type: 'm.thread', event_id: '$a', is_falling_back: true, 'm.in_reply_to': { event_id: '$b' } }, { rel_type: 'm.replace', event_id: '$a' },
    { rel_type: 'm.reference', event_id: '$a' }, { rel_type: 'm.annotation', event_id: '$a', key: '👍' }, { 'm.in_reply_to': { event_id: '$b' } },
  ])('may be %j', (relation) => {
    expect(related(relation)).toEqual([]);
  });

  it.each<JsonObject | string>([
    'hello', { body: 'hello' }, { rel_type: 'org.example', event_id: '$a' }, { rel_type: 'm.thread' }, { event_id: '$a' }, { rel_type: 'm.thread', event_id: 'hello' },
    { rel_type: 'm.thread', event_id: '$hello you' }, { rel_type: 'm.thread', event_id: '$":[' }, { rel_type: 'm.thread', event_id: `$${'a'.repeat(255)}` }, { rel_type: 'm.thread', event_id: '$a', is_falling_back: 'hello' },
    { rel_type: 'm.thread', event_id: '$a', key: 'hello' }, { 'm.in_reply_to': { event_id: '$a', body: 'hello' } }, { 'm.in_reply_to': 'hello' }, { 'm.in_reply_to': [] },
    { rel_type: 'm.annotation', event_id: '$a', key: 'x'.repeat(65) }, { rel_type: ['m.thread'], event_id: '$a' },
  ])('is never %j', (relation) => {
    expect(related(relation)).toEqual(['B6 M_BAD_JSON']);
  });
});

describe('B7: a reaction', () => {
  const annotation = { rel_type: 'm.annotation', event_id: '$a', key: '👍' };

  it('is one annotation, its key of at most 64 bytes', () => {
    expect(rules('m.reaction', { 'm.relates_to': annotation })).toEqual([]);
    expect(rules('m.reaction', { 'm.relates_to': { ...annotation, key: '👍'.repeat(16) } })).toEqual([]);
  });

  it.each<JsonObject>([
    {}, { body: 'hello' }, { 'm.relates_to': 'hello' }, { 'm.relates_to': annotation, shortcode: ':hello:' }, { 'm.relates_to': { ...annotation, body: 'hello' } },
    { 'm.relates_to': { ...annotation, rel_type: 'm.thread' } }, { 'm.relates_to': { ...annotation, event_id: 'hello' } }, { 'm.relates_to': { ...annotation, key: '' } },
    { 'm.relates_to': { ...annotation, key: `${'👍'.repeat(16)}x` } }, { 'm.relates_to': { ...annotation, key: 'a\0b' } }, { 'm.relates_to': { ...annotation, key: {} } },
  ])('is never %j', (content) => {
    expect(rules('m.reaction', content)).toEqual(['B7 M_BAD_JSON']);
  });
});

it('B8: a reason has at most 512 bytes, whatever its letters', () => {
  expect(reasonViolations(undefined)).toEqual([]);
  expect(reasonViolations('é'.repeat(256))).toEqual([]);
  expect(reasonViolations('é'.repeat(257))).toHaveLength(1);
});

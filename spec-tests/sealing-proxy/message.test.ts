import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseJson, type JsonObject } from './exact-json.js';
import { isSealedOnTheWay, openMessage, sealMessage } from './message.js';

const key = randomBytes(32);
const relation = { rel_type: 'm.thread', event_id: '$root' };
const seal = (text: string, type = 'm.room.message'): JsonObject => sealMessage(key, '!room:hs1', type, parseJson(text) as JsonObject, text);

describe('A sealed message', () => {
  it('shows its relation and nothing else of what it says', () => {
    const sealed = seal(`{"body":"hello","m.relates_to":${JSON.stringify(relation)}}`, 'org.example.secret');
    expect(sealed['m.relates_to']).toEqual(relation);
    const visible = Buffer.from(String(sealed['ciphertext']), 'base64').toString('latin1') + JSON.stringify(sealed);
    expect(visible).not.toMatch(/hello|secret/);
  });

  it('opens to its type and its content, numbers and all', () => {
    const content = '{"body":"héllo","at":12345678901234567890,"m.relates_to":{"rel_type":"m.thread","event_id":"$root"}}';
    expect(openMessage(key, seal(content, 'm.dummy'))).toEqual({ type: 'm.dummy', content: parseJson(content) });
  });

  it('is not opened with another key, when anything in it changed, or when it was sealed elsewhere', () => {
    const sealed = seal('{"body":"hello"}');
    const ciphertext = Buffer.from(String(sealed['ciphertext']), 'base64');
    ciphertext[8] = (ciphertext[8] ?? 0) ^ 1;
    expect(openMessage(randomBytes(32), sealed)).toBeUndefined();
    expect(openMessage(key, { ...sealed, ciphertext: ciphertext.toString('base64') })).toBeUndefined();
    expect(openMessage(key, { ciphertext: randomBytes(400).toString('base64') })).toBeUndefined();
    expect(openMessage(key, { ciphertext: 'AwgA' })).toBeUndefined();
    expect(openMessage(key, { ciphertext: { olm: 1 } })).toBeUndefined();
    expect(openMessage(key, {})).toBeUndefined();
  });
});

it('seals every type but those that clients send in the clear to encrypted rooms', () => {
  expect(['m.room.encrypted', 'm.room.redaction', 'm.reaction', 'm.room.message', 'm.room.join_rules'].map(isSealedOnTheWay)).toEqual([false, false, false, true, true]);
});

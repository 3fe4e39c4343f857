import { describe, it, expect } from '@jest/globals';
import { contentHash, eventIdOf, referenceHash, roomIdOf, signEvent } from './event-hash.js';
import type { PduDraft } from './event.js';
import { parseEventId, parseRoomId, parseServerName, parseUserId } from './identifiers.js';
import { redact } from './redaction.js';
import { roomVersion } from './room-versions.js';
import type { JsonObject } from './schema.js';
import { parseSigningKeys, signJson, verifyJson } from './signing.js';

const [key] = parseSigningKeys('ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1');

// https://spec.matrix.org/v1.19/appendices/#event-signing
const minimal: JsonObject = {
  room_id: '!x:domain', sender: '@a:domain', origin: 'domain', origin_server_ts: 1000000, signatures: {}, hashes: {}, type: 'X', content: {},
  prev_events: [], auth_events: [], depth: 3, unsigned: { age_ts: 1000000 },
};
const redactable: JsonObject = {
  content: { body: 'Here is the message content' }, event_id: '$0:domain', origin: 'domain', origin_server_ts: 1000000, type: 'm.room.message',
  room_id: '!r:domain', sender: '@u:domain', signatures: {}, unsigned: { age_ts: 1000000 },
};

describe('hashing and signing events', () => {
  it.each([
    ['a minimal event', minimal, '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos', 'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg'],
    ['redactable content', redactable, 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g', 'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA'],
  ])('gives the published hash and signature of %s', (_, event, sha256, signature) => {
    expect(contentHash(event)).toBe(sha256);
    const signed = signJson(redact({ ...event, hashes: { sha256 } }, roomVersion('6')), 'domain', key);
    expect(signed.signatures).toEqual({ domain: { 'ed25519:1': signature } });
  });

  const draft: PduDraft = {
    type: 'm.room.encrypted', sender: parseUserId('@a:domain'), room_id: parseRoomId('!r:domain'), content: { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' },
    origin_server_ts: 5, depth: 7, prev_events: [parseEventId('$p')], auth_events: [parseEventId('$a')],
  };
  const signer = { serverName: parseServerName('domain'), key };

  it.each(['6', '7', '8', '9', '10', '11', '12'])('hashes and signs in one go what the steps of version %s give', (name) => {
    const version = roomVersion(name);
    const { pdu, eventId } = signEvent(draft, version, signer);
    expect(pdu.hashes.sha256).toBe(contentHash(draft));
    expect(pdu.signatures).toEqual(signJson(redact({ ...draft, hashes: pdu.hashes }, version), 'domain', key).signatures);
    expect(eventId).toBe(eventIdOf(pdu, version));
    expect(verifyJson(redact(pdu, version), 'domain', 'ed25519:1', key.publicKey)).toBe(true);
  });

  it('keeps id and signature valid when the event is redacted', () => {
    const { pdu, eventId } = signEvent(draft, roomVersion('11'), signer);
    const redacted = redact(pdu, roomVersion('11'));
    expect(redacted.content).toEqual({});
    expect(eventIdOf(redacted, roomVersion('11'))).toBe(eventId);
  });

  it('gives ids in URL-safe base64, whatever signatures and unsigned are', () => {
    const { pdu, eventId } = signEvent(draft, roomVersion('10'), signer);
    expect(eventId).toMatch(/^\$[A-Za-z0-9_-]{43}$/);
    expect(referenceHash({ ...pdu, signatures: {}, unsigned: { age: 1 } }, roomVersion('10'))).toBe(eventId.slice(1));
  });

  it('names a version 12 room after its create event', () => {
    const { room_id: _, ...create } = { ...draft, type: 'm.room.create', state_key: '', content: { room_version: '12' }, prev_events: [], auth_events: [] };
    const { eventId } = signEvent(create, roomVersion('12'), signer);
    expect(roomIdOf(eventId)).toBe(`!${eventId.slice(1)}`);
  });
});

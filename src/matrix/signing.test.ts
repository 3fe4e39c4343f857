import { describe, it, expect, beforeAll } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import sodium from 'libsodium-wrappers';
import { canonicalJson } from './canonical-json.js';
import { formatSigningKey, newSigningKey, parseSigningKeys, secretOf, signJson, unpaddedBase64, verifyJson, verifySignature, type SigningKey } from './signing.js';

// https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors
const SEED = 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1';
const [published] = parseSigningKeys(`ed25519 1 ${SEED}\n`);
const seeded = (seed: Uint8Array): SigningKey => parseSigningKeys(`ed25519 a_Test ${unpaddedBase64(seed)}`)[0];

beforeAll(async () => { await sodium.ready; });

describe('signing JSON', () => {
  it('gives the published signature of an empty object', () => {
    expect(signJson({}, 'domain', published)).toEqual({
      signatures: { domain: { 'ed25519:1': 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ' } },
    });
  });

  it('gives the published signature of an object with data', () => {
    expect(signJson({ one: 1, two: 'Two' }, 'domain', published)).toEqual({
      one: 1,
      two: 'Two',
      signatures: { domain: { 'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw' } },
    });
  });

  it('adds to the signatures there are, and covers neither them nor unsigned', () => {
    const first = signJson({ a: 1, unsigned: { age: 5 } }, 'one', published);
    const both = signJson({ ...first, unsigned: { age: 6 } }, 'two', published);
    expect(Object.keys(both.signatures)).toEqual(['one', 'two']);
    expect(verifyJson(both, 'one', 'ed25519:1', published.publicKey)).toBe(true);
    expect(verifyJson(both, 'two', 'ed25519:1', published.publicKey)).toBe(true);
  });

  it('signs byte for byte as libsodium does, and each accepts the other', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.string(), (seed, text) => {
      const key = seeded(seed);
      const pair = sodium.crypto_sign_seed_keypair(seed);
      const theirs = unpaddedBase64(sodium.crypto_sign_detached(canonicalJson({ text }), pair.privateKey));
      expect(key.publicKey).toBe(unpaddedBase64(pair.publicKey));
      expect(signJson({ text }, 'domain', key).signatures['domain']).toEqual({ 'ed25519:a_Test': theirs });
      expect(verifySignature({ text }, theirs, key.publicKey)).toBe(true);
    }), { numRuns: 30 });
  });
});

describe('checking a signature', () => {
  const signed = signJson({ a: 1 }, 'domain', published);
  const check = (object: Parameters<typeof verifyJson>[0], signer = 'domain', keyId = 'ed25519:1', key = published.publicKey) =>
    verifyJson(object, signer, keyId, key);

  it('takes a device key that its user signed, with padding or without', () => {
    const device = signJson({ user_id: '@a:s', device_id: 'ABC', keys: { 'ed25519:1': published.publicKey } }, '@a:s', published);
    expect(check(device, '@a:s')).toBe(true);
    const padded = { ...device, signatures: { '@a:s': { 'ed25519:1': `${device.signatures['@a:s']?.['ed25519:1']}==` } } };
    expect(check(padded, '@a:s', 'ed25519:1', `${published.publicKey}=`)).toBe(true);
  });

  it('fails when object, signer, key id, key or signature is another', () => {
    expect(check(signed)).toBe(true);
    expect(check({ ...signed, a: 2 })).toBe(false);
    expect(check(signed, 'elsewhere')).toBe(false);
    expect(check(signed, '__proto__')).toBe(false);
    expect(check(signed, 'domain', 'ed25519:2')).toBe(false);
    expect(check(signed, 'domain', 'ed25519:1', newSigningKey(randomBytes).publicKey)).toBe(false);
  });

  it('fails on an algorithm it does not know', () => {
    const other = { ...signed, signatures: { domain: { 'rsa:1': signed.signatures['domain']?.['ed25519:1'] } } };
    expect(check(other, 'domain', 'rsa:1')).toBe(false);
  });

  it.each([undefined, null, 'x', { domain: null }, { domain: 'x' }, { domain: { 'ed25519:1': 7 } }, { domain: { 'ed25519:1': '!' } }, { domain: { 'ed25519:1': 'AAAA' } }])(
    'fails, and does not throw, on signatures of %j',
    (signatures) => {
      expect(check({ a: 1, signatures })).toBe(false);
    },
  );

  it.each(['', 'AAAA', '!'.repeat(43), 'A'.repeat(44)])('fails, and does not throw, with a public key of %j', (key) => {
    expect(check(signed, 'domain', 'ed25519:1', key)).toBe(false);
  });
});

describe('the signing key file', () => {
  it('is read and written as Synapse does', () => {
    const text = `ed25519 a_AbCd ${unpaddedBase64(createHash('sha256').update('x').digest())}\n`;
    expect(formatSigningKey(parseSigningKeys(text)[0])).toBe(text);
  });

  it('may hold several keys, blank lines and padding', () => {
    expect(parseSigningKeys(`ed25519 1 ${SEED}\r\n\n  ed25519 a_Old ${SEED}=\n`).map(({ keyId }) => keyId)).toEqual(['ed25519:1', 'ed25519:a_Old']);
  });

  it.each([SEED, `rsa 1 ${SEED}`, `ed25519 1 ${SEED.slice(1)}`, `ed25519 a:b ${SEED}`])('says which line it cannot read, without showing it', (line) => {
    expect(() => parseSigningKeys(`ed25519 1 ${SEED}\n${line}\n`)).toThrow(/^line 2 of the signing key file is not/);
  });

  it('holds at least one key', () => {
    expect(() => parseSigningKeys(' \n')).toThrow('the signing key file holds no key');
  });

  it('gets a new key from the randomness given', () => {
    const key = newSigningKey((bytes) => Buffer.alloc(bytes, 1));
    expect(key.keyId).toBe('ed25519:a_BBBB');
    expect(formatSigningKey(key)).toBe(`ed25519 a_BBBB ${unpaddedBase64(Buffer.alloc(32, 1))}\n`);
  });

  it('has another secret for each purpose, the same wherever it is read, which is not its own', () => {
    const [again] = parseSigningKeys(formatSigningKey(published));
    const secrets = [secretOf(published, 'one'), secretOf(again, 'one'), secretOf(published, 'other'), secretOf(seeded(Buffer.alloc(32)), 'one'), Buffer.from(SEED, 'base64')];
    expect(secrets[1]).toEqual(secrets[0]);
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(4);
  });

  it('does not show its secret when printed', () => {
    expect(inspect(published, { depth: 9, showHidden: true }) + JSON.stringify(published)).not.toContain(SEED.slice(0, 20));
  });
});

// https://spec.matrix.org/v1.19/appendices/#unpadded-base64
it.each([['', ''], ['f', 'Zg'], ['fo', 'Zm8'], ['foo', 'Zm9v'], ['foob', 'Zm9vYg'], ['fooba', 'Zm9vYmE'], ['foobar', 'Zm9vYmFy']])(
  'encodes %j in unpadded base64',
  (text, encoded) => {
    expect(unpaddedBase64(Buffer.from(text))).toBe(encoded);
  },
);

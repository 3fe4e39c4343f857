import { createHmac, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalJsonWithout } from './canonical-json.js';
import type { Random } from './clock.js';
import type { Signatures } from './event.js';
import type { JsonObject } from './schema.js';

/** An ed25519 key this server signs with. Printing one shows no secret: the private half is opaque. */
export interface SigningKey {
  /** `ed25519:` and the key's version. */
  readonly keyId: string;
  /** Unpadded base64, as published. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

const KEY_LINE = /^ed25519[ \t]+([A-Za-z0-9_]+)[ \t]+([A-Za-z0-9+/]{43})=?$/;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** What DER puts before the 32 bytes of an ed25519 private key (RFC 8410). */
const PRIVATE_KEY_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const MAX_CACHED_KEYS = 10_000;

/** Reads a signing key file: one key a line, `ed25519 <version> <unpadded base64 seed>`; the first signs, all are published. */
export function parseSigningKeys(text: string): readonly [SigningKey, ...SigningKey[]] {
  const keys: SigningKey[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    const [, version, seed] = KEY_LINE.exec(line.trim()) ?? [];
    // The line itself holds the secret, so the message only says where it is.
    if (version === undefined || seed === undefined) throw new Error(`line ${i + 1} of the signing key file is not "ed25519 <version> <base64 seed>"`);
    keys.push(signingKey(version, Buffer.from(seed, 'base64')));
  });
  const [first, ...others] = keys;
  if (first === undefined) throw new Error('the signing key file holds no key');
  return [first, ...others];
}

/** The key's line of a signing key file, with its line end. */
export function formatSigningKey(key: SigningKey): string {
  return `ed25519 ${key.keyId.slice('ed25519:'.length)} ${unpaddedBase64(seedOf(key))}\n`;
}

/** 32 bytes for that purpose, the same wherever this key is, and unknown to who does not hold it. */
export function secretOf(key: SigningKey, purpose: string): Buffer {
  return createHmac('sha256', seedOf(key)).update(purpose).digest();
}

function seedOf({ privateKey }: SigningKey): Buffer {
  const { d = '' } = privateKey.export({ format: 'jwk' });
  return Buffer.from(d, 'base64url');
}

export function newSigningKey(random: Random): SigningKey {
  const suffix = Array.from(random(4), (byte) => LETTERS[byte % LETTERS.length]).join('');
  return signingKey(`a_${suffix}`, random(32));
}

/** The object with the entity's signature beside those it had. https://spec.matrix.org/v1.19/appendices/#signing-details */
export function signJson<T extends JsonObject>(object: T, entity: string, key: SigningKey): T & { readonly signatures: Signatures } {
  return { ...object, signatures: withSignature(object['signatures'] as Signatures | undefined, entity, key, signText(signedText(object), key)) };
}

export function withSignature(signatures: Signatures | undefined, entity: string, key: SigningKey, signature: string): Signatures {
  const ofEntity = signatures !== undefined && Object.hasOwn(signatures, entity) ? signatures[entity] : undefined;
  return { ...signatures, [entity]: { ...ofEntity, [key.keyId]: signature } };
}

/** The unpadded base64 signature of a text that is canonical JSON already. */
export function signText(canonical: string, key: SigningKey): string {
  return unpaddedBase64(sign(null, Buffer.from(canonical), key.privateKey));
}

/**
 * Whether the object carries a valid signature of the signer (a server, or a user for device and cross-signing keys) with that key.
 * https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature
 */
export function verifyJson(object: JsonObject, signer: string, keyId: string, publicKey: string): boolean {
  const signature = own(own(object['signatures'], signer), keyId);
  return keyId.startsWith('ed25519:') && typeof signature === 'string' && verifySignature(object, signature, publicKey);
}

/** Whether the signature, given apart from the object, is that of the object without its `signatures` and `unsigned`. */
export function verifySignature(object: JsonObject, signature: string, publicKey: string): boolean {
  const bytes = fromBase64(signature, 64);
  const key = publicKeyObject(publicKey);
  return bytes !== undefined && key !== undefined && verify(null, Buffer.from(signedText(object)), key, bytes);
}

/** https://spec.matrix.org/v1.19/appendices/#unpadded-base64 */
export function unpaddedBase64(bytes: Uint8Array): string {
  const padded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  const end = padded.indexOf('=');
  return end < 0 ? padded : padded.slice(0, end);
}

function signedText(object: JsonObject): string {
  return canonicalJsonWithout(object, ['signatures', 'unsigned']);
}

function signingKey(version: string, seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_HEADER, seed]), format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { keyId: `ed25519:${version}`, publicKey: unpaddedBase64(Buffer.from(x, 'base64url')), privateKey };
}

const publicKeys = new Map<string, KeyObject>();

/** Parsing a key costs as much as verifying with it, so those seen last are kept. */
function publicKeyObject(publicKey: string): KeyObject | undefined {
  const cached = publicKeys.get(publicKey);
  if (cached !== undefined) return cached;
  const bytes = fromBase64(publicKey, 32);
  if (bytes === undefined) return undefined;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });
  if (publicKeys.size >= MAX_CACHED_KEYS) publicKeys.clear();
  publicKeys.set(publicKey, key);
  return key;
}

/** Takes base64 with or without padding, as the specification advises, but only of the length asked for. */
function fromBase64(text: string, length: number): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === length ? bytes : undefined;
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

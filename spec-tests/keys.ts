import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type { Person } from './harness.js';

export type Json = Readonly<Record<string, unknown>>;
export type Signed = Json & { readonly signatures: Readonly<Record<string, Readonly<Record<string, string>>>> };

/** An ed25519 key that can sign, named as device keys or cross-signing keys are. */
export interface TestKey {
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export function newKey(name?: string): TestKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })).export({ format: 'jwk' });
  const publicKey = unpadded(Buffer.from(x, 'base64url'));
  return { id: `ed25519:${name ?? publicKey}`, publicKey, privateKey };
}

/** https://spec.matrix.org/v1.19/appendices/#signing-json */
export function signed(object: Json, userId: string, ...keys: readonly TestKey[]): Signed {
  const { signatures: _signatures, unsigned: _unsigned, ...rest } = object;
  const text = Buffer.from(canonical(rest));
  return { ...object, signatures: { [userId]: Object.fromEntries(keys.map((key) => [key.id, unpadded(sign(null, text, key.privateKey))])) } };
}

/** The keys a device publishes about itself. https://spec.matrix.org/v1.19/client-server-api/#device-keys */
export function deviceKeys({ userId, deviceId }: Person, key: TestKey): Signed {
  const keys = { [`curve25519:${deviceId}`]: unpadded(randomBytes(32)), [key.id]: key.publicKey };
  return signed({ user_id: userId, device_id: deviceId, algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'], keys }, userId, key);
}

export function oneTimeKeys({ userId }: Person, key: TestKey, names: readonly string[], more: Json = {}): Readonly<Record<string, Signed>> {
  return Object.fromEntries(names.map((name) => [`signed_curve25519:${name}`, signed({ key: unpadded(randomBytes(32)), ...more }, userId, key)]));
}

export function crossSigningKey({ userId }: Person, usage: string, key: TestKey, ...by: readonly TestKey[]): Json {
  const object = { user_id: userId, usage: [usage], keys: { [key.id]: key.publicKey } };
  return by.length === 0 ? object : signed(object, userId, ...by);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

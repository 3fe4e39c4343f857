import type { Session } from '../auth/session.js';
import { signJson, type SigningKey } from '../matrix/signing.js';
import type { Usage } from './cross-signing-store.js';
import { testKey } from './shard.testing.js';

/** A cross-signing key, signed by those given. */
export function publicPart({ userId }: Session, usage: Usage, key: SigningKey, ...signers: readonly SigningKey[]) {
  const bare = { user_id: userId, usage: [usage], keys: { [key.keyId]: key.publicKey } };
  return signers.reduce((signed, signer) => signJson(signed, userId, signer), bare);
}

/** The keys of a device, signed by itself. */
export function deviceKeys({ userId, deviceId }: Session, key: SigningKey) {
  const bare = { user_id: userId, device_id: deviceId, algorithms: [], keys: { [key.keyId]: key.publicKey } };
  return signJson(bare, userId, key);
}

/** The three keys of a person; another generation is another identity. */
export function identityOf(session: Session, generation = '') {
  const [master, selfSigning, userSigning] = ['m', 's', 'u'].map((seed) => testKey(`${session.userId}${seed}${generation}`)) as [SigningKey, SigningKey, SigningKey];
  const body = {
    master_key: publicPart(session, 'master', master),
    self_signing_key: publicPart(session, 'self_signing', selfSigning, master),
    user_signing_key: publicPart(session, 'user_signing', userSigning, master),
  };
  return { master, selfSigning, userSigning, body };
}

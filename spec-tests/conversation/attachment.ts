/** The `EncryptedFile` of an encrypted attachment. https://spec.matrix.org/v1.19/client-server-api/#sending-encrypted-attachments */
export interface EncryptedFile {
  readonly url: string;
  readonly v: 'v2';
  readonly key: { readonly kty: 'oct'; readonly key_ops: readonly string[]; readonly alg: 'A256CTR'; readonly k: string; readonly ext: true };
  readonly iv: string;
  readonly hashes: { readonly sha256: string };
}

/** AES-CTR with a key and counter block of its own, as Element does it: 8 random bytes, then a counter from zero. */
export async function encryptAttachment(plain: Uint8Array): Promise<{ bytes: Uint8Array; file: Omit<EncryptedFile, 'url'> }> {
  const iv = new Uint8Array(16);
  crypto.getRandomValues(iv.subarray(0, 8));
  const key = await crypto.subtle.generateKey({ name: 'AES-CTR', length: 256 }, true, ['encrypt', 'decrypt']);
  const { k = '' } = await crypto.subtle.exportKey('jwk', key);
  const bytes = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter: iv, length: 64 }, key, plain));
  return {
    bytes,
    file: {
      v: 'v2',
      key: { kty: 'oct', key_ops: ['encrypt', 'decrypt'], alg: 'A256CTR', k, ext: true },
      iv: base64(iv),
      hashes: { sha256: await sha256(bytes) },
    },
  };
}

/** Refuses bytes whose hash is not the one that was sent inside the ciphertext. */
export async function decryptAttachment(bytes: Uint8Array, file: EncryptedFile): Promise<Uint8Array> {
  if ((await sha256(bytes)) !== file.hashes.sha256) throw new Error('the file was changed on its way');
  const jwk = { ...file.key, key_ops: [...file.key.key_ops] };
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'AES-CTR' }, false, ['decrypt']);
  const counter = Uint8Array.from(atob(file.iv), (char) => char.charCodeAt(0));
  return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CTR', counter, length: 64 }, key, bytes));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  return base64(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
}

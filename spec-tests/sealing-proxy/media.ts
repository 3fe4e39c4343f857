import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { param, query, successOf, withQuery, type Call, type Handler } from './call.js';
import type { Answer } from './upstream.js';

/** What a server that holds only ciphertext does not know of a file. */
interface File {
  readonly contentType: string | undefined;
  readonly name: string | undefined;
  /** Absent of what was not sealed. */
  readonly lock?: { readonly key: Buffer; readonly counter: Buffer };
}

/** Types, names and keys of the files that came through, by server and media id. */
export class Media {
  readonly #files = new Map<string, File>();

  put(address: string, file: File): void {
    this.#files.set(address, file);
  }

  get(address: string): File | undefined {
    return this.#files.get(address);
  }
}

const LARGEST_AVATAR = 1024 * 1024;

/**
 * Seals a file with AES-256-CTR, as attachments are, under a key of its own. What may be an avatar is offered as it is first, as a
 * client would set one. https://spec.matrix.org/v1.19/client-server-api/#sending-encrypted-attachments
 */
export const uploadFile: Handler = async (call, next) => {
  const parameters = query(call);
  const file = { contentType: call.headers['content-type'], name: parameters.get('filename') ?? undefined };
  if (mayBeAvatar(call)) {
    const answer = await next(call);
    if (answer.status !== 403) return remembered(call, answer, file);
  }
  const lock = { key: randomBytes(32), counter: randomBytes(16) };
  const cipher = createCipheriv('aes-256-ctr', lock.key, lock.counter);
  const body = Buffer.concat([cipher.update(call.body), cipher.final()]);
  parameters.delete('filename');
  const sealed = { ...withQuery(call, parameters), body, headers: { ...call.headers, 'content-type': 'application/octet-stream' } };
  return remembered(call, await next(sealed), { ...file, lock });
};

export const downloadFile: Handler = async (call, next) => {
  const { range: _, ...headers } = call.headers;
  const answer = await next({ ...call, headers });
  const file = call.shared.media.get(`${param(call, 'serverName')}/${param(call, 'mediaId')}`);
  return answer.status === 200 && file !== undefined ? openFile(answer, file, param(call, 'fileName')) : answer;
};

function mayBeAvatar({ headers, body }: Call): boolean {
  return /^image\//i.test(headers['content-type'] ?? '') && body.length <= LARGEST_AVATAR;
}

function remembered(call: Call, answer: Answer, file: File): Answer {
  const uri = successOf(answer)?.['content_uri'];
  // An upload to an address that was given before answers nothing.
  const address = typeof uri === 'string' ? uri.replace('mxc://', '') : `${param(call, 'serverName')}/${param(call, 'mediaId')}`;
  if (answer.status === 200) call.shared.media.put(address, file);
  return answer;
}

function openFile(answer: Answer, { contentType, name, lock }: File, askedName: string): Answer {
  const disposition = name === undefined || askedName !== '' ? {} : { 'content-disposition': contentDisposition(name) };
  if (lock === undefined) return { ...answer, headers: { ...answer.headers, ...disposition } };
  const decipher = createDecipheriv('aes-256-ctr', lock.key, lock.counter);
  return {
    ...answer,
    headers: { ...answer.headers, 'content-type': contentType ?? 'application/octet-stream', ...disposition },
    body: Buffer.concat([decipher.update(answer.body), decipher.final()]),
  };
}

/** RFC 6266; names beyond ASCII as RFC 5987 writes them. */
function contentDisposition(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return `attachment; filename="${name.replace(/["\\]/g, '\\$&')}"`;
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename*=UTF-8''${encoded}`;
}

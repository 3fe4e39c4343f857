import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { param, query, successOf, withQuery, withSegment, type Call, type Handler } from './call.js';
import type { Answer } from './upstream.js';

/** What a server that holds only ciphertext does not know of a file. */
interface File {
  readonly contentType: string | undefined;
  readonly name: string | undefined;
  readonly key: Buffer;
  readonly counter: Buffer;
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

/**
 * Seals a file with AES-256-CTR, as attachments are, under a key of its own.
 * https://spec.matrix.org/v1.19/client-server-api/#sending-encrypted-attachments
 */
export const uploadFile: Handler = async (call, next) => {
  const parameters = query(call);
  const names = { contentType: call.headers['content-type'], name: parameters.get('filename') ?? undefined };
  const file = { ...names, key: randomBytes(32), counter: randomBytes(16) };
  const cipher = createCipheriv('aes-256-ctr', file.key, file.counter);
  const body = Buffer.concat([cipher.update(call.body), cipher.final()]);
  parameters.delete('filename');
  const sealed = { ...withQuery(call, parameters), body, headers: { ...call.headers, 'content-type': 'application/octet-stream' } };
  const answer = await next(sealed);
  // An upload to an address that was given before answers nothing.
  if (answer.status === 200) call.shared.media.put(uploadedTo(answer) ?? addressIn(call), file);
  return answer;
};

export const downloadFile: Handler = async (call, next) => {
  const { range: _, ...headers } = call.headers;
  const answer = await next({ ...call, headers });
  const file = call.shared.media.get(addressIn(call));
  return answer.status === 200 && file !== undefined ? openFile(answer, file, param(call, 'fileName')) : answer;
};

/**
 * Of ciphertext a server can draw nothing, so it is shown a copy of the picture as the client would show it an avatar, and draws that.
 * https://spec.matrix.org/v1.19/client-server-api/#thumbnails
 */
export const readThumbnail: Handler = async (call, next) => {
  const file = call.shared.media.get(addressIn(call));
  if (file === undefined) return next(call);
  const sealed = await next({ ...call, query: '', path: call.path.replace('/thumbnail/', '/download/') });
  if (sealed.status !== 200) return sealed;
  const picture = openFile(sealed, file, '');
  const headers = { authorization: call.headers.authorization, 'content-type': file.contentType ?? 'application/octet-stream' };
  const copy = uploadedTo(await next({ ...call, method: 'POST', path: '/_matrix/media/v3/upload', query: '', headers, body: picture.body }));
  return next(copy === undefined ? call : withSegment(call, 1, copy.slice(copy.indexOf('/') + 1)));
};

function addressIn(call: Call): string {
  return `${param(call, 'serverName')}/${param(call, 'mediaId')}`;
}

function uploadedTo(answer: Answer): string | undefined {
  const uri = successOf(answer)?.['content_uri'];
  return typeof uri === 'string' ? uri.replace('mxc://', '') : undefined;
}

function openFile(answer: Answer, { contentType, name, key, counter }: File, askedName: string): Answer {
  const disposition = name === undefined || askedName !== '' ? {} : { 'content-disposition': contentDisposition(name) };
  const decipher = createDecipheriv('aes-256-ctr', key, counter);
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

import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { MatrixError } from '../matrix/errors.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';

/** An event may have 65,536 bytes, and most bodies are events. https://spec.matrix.org/v1.19/client-server-api/#size-limits */
export const DEFAULT_BODY_BYTES = 65_536;
const PATIENCE_MS = 20_000;
const DEEPEST = 100;

/** The connection ended before the body did: there is nobody left to answer. */
export class ClientGone extends Error {}

/** Reads a whole body. One declared or found too large is refused without reading on, a half-sent one after 20 seconds. */
export function readBody(req: IncomingMessage, limit: number, patienceMs = PATIENCE_MS): Promise<Buffer> {
  const declared = declaredBytes(req);
  if (declared > limit) return Promise.reject(tooLarge(limit));
  // By the time the session is known a small body has come: nothing needs to be waited for, which halves what a request costs.
  if (req.readableLength === declared) return Promise.resolve(takeAll(req));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = (reason: Error): void => {
      clearTimeout(timer);
      req.off('data', take);
      req.pause();
      reject(reason);
    };
    const timer = setTimeout(() => {
      refuse(new MatrixError('M_UNKNOWN', 'The request body did not arrive in time', { status: 408 }));
    }, patienceMs);
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) refuse(tooLarge(limit));
      else chunks.push(chunk);
    };
    req.on('data', take);
    req.once('end', () => {
      clearTimeout(timer);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    req.once('error', () => { refuse(new ClientGone('the client went away')); });
    req.once('close', () => { if (!req.complete) refuse(new ClientGone('the client went away')); });
  });
}

/** What the request says its body has; without saying so it may have any number of bytes. */
export function declaredBytes({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return NaN;
  return Number(headers['content-length'] ?? 0);
}

function takeAll(req: IncomingMessage): Buffer {
  const bytes = req.read() as Buffer | null;
  req.resume();
  return bytes ?? Buffer.alloc(0);
}

/**
 * Parses a body that must be one JSON object. Of a key given twice the last counts. Strings that no engine stores faithfully
 * (with NUL or half a surrogate pair) and nesting beyond 100 are refused.
 */
export function parseJsonObject(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw notJson();
  const text = bytes.toString();
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badJson('The request body is not a JSON object');
  if (deeperThan(value, DEEPEST)) throw badJson(`The request body is nested deeper than ${DEEPEST}`);
  // UTF-8 holds no half surrogates, and JSON no bare NUL: both come only as escapes.
  if (text.includes('\\u') && hasUnstorableText(value)) {
    throw badJson('The request body has a string with NUL or half a surrogate pair');
  }
  return value as JsonObject;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw notJson();
  }
}

function deeperThan(value: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const key in value) {
    const member: unknown = value[key as keyof typeof value];
    if (typeof member === 'object' && member !== null && deeperThan(member, levels - 1)) return true;
  }
  return false;
}

function hasUnstorableText(value: unknown): boolean {
  if (typeof value === 'string') return /\0|\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, member]) => hasUnstorableText(key) || hasUnstorableText(member));
}

function notJson(): MatrixError {
  return new MatrixError('M_NOT_JSON', 'The request body is not JSON');
}

function badJson(message: string): MatrixError {
  return new MatrixError('M_BAD_JSON', message);
}

function tooLarge(limit: number): MatrixError {
  return new MatrixError('M_TOO_LARGE', `The request body has more than ${limit} bytes`);
}

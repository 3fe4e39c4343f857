import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { MatrixError } from '../matrix/errors.js';
import { endOfString } from '../matrix/json-text.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';

/** An event may have 65,536 bytes, and most bodies are events. https://spec.matrix.org/v1.19/client-server-api/#size-limits */
export const DEFAULT_BODY_BYTES = 65_536;
const PATIENCE_MS = 20_000;
const DEEPEST = 100;
const MOST_VALUES = 500_000;

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

/** What a body of JSON says, which is UTF-8. */
export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw notJson();
  return bytes.toString();
}

/**
 * Parses a text that must be one JSON object. Refused are a key given twice, of which readers would take one or the other, strings
 * and numbers that no engine stores faithfully (with NUL or half a surrogate pair, without end), nesting beyond 100, and more values
 * than any client has reason to send.
 */
export function parseJsonObject(text: string): JsonObject {
  const { depth, names, commas } = outlineOf(text);
  // Before parsing: a large body of nothing but brackets would take a hundred times its size and hold up everybody for seconds.
  if (depth > DEEPEST) throw badJson(`The request body is nested deeper than ${DEEPEST}`);
  if (commas >= MOST_VALUES) throw new MatrixError('M_TOO_LARGE', `The request body holds more than ${MOST_VALUES} values`);
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badJson('The request body is not a JSON object');
  if (namesIn(value) !== names) throw badJson('The request body gives a key twice');
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

const [QUOTE, COLON, COMMA] = [0x22, 0x3a, 0x2c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** How deep a JSON text goes, how many names it gives and how many values follow others; of a text that is not JSON, anything. */
function outlineOf(text: string): { readonly depth: number; readonly names: number; readonly commas: number } {
  let level = 0;
  let commas = 0;
  let depth = 0;
  let names = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if (char === COLON) names += 1;
    else if (char === COMMA) commas += 1;
    else if (char === OPEN_OBJECT || char === OPEN_ARRAY) depth = Math.max(depth, (level += 1));
    else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) level -= 1;
  }
  return { depth, names, commas };
}

/** How many names an object and all within it have. */
function namesIn(value: object): number {
  let names = 0;
  const look = (member: unknown): void => {
    if (typeof member === 'object' && member !== null) names += namesIn(member);
    // JSON can say 1e999, which JavaScript would read as infinite and write as null.
    else if (member === Infinity || member === -Infinity) throw badJson('The request body has a number that is too large');
  };
  if (Array.isArray(value)) {
    for (const member of value) look(member);
    return names;
  }
  for (const key in value) {
    names += 1;
    look(value[key as keyof typeof value]);
  }
  return names;
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

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MatrixError } from '../matrix/errors.js';
import { ByteStream, Created, JsonText, type Reply } from '../matrix/reply.js';
import type { AnswerMemory } from './answer-memory.js';
import { ClientGone, declaredBytes } from './body.js';
import { statuses } from './statuses.js';

/** On every answer, errors included. https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients */
export const corsHeaders = [
  'Access-Control-Allow-Origin', '*',
  'Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers', 'X-Requested-With, Content-Type, Authorization',
];
const SILENCE_MS = 60_000;

/** Sends what a handler returned. For a stream, resolves when the last byte is handed over, or rejects when it broke on the way. */
export function sendReply(res: ServerResponse, reply: Reply, memory: AnswerMemory): void | Promise<void> {
  if (reply instanceof ByteStream) return sendBytes(res, reply);
  // Nobody is left to read it: say so by sending nothing.
  if (res.destroyed) return;
  if (reply instanceof JsonText && lengthOf(reply.parts) > LARGE_LENGTH) sendLarge(res, reply.parts, memory);
  else if (reply instanceof Created) send(res, 201, JSON.stringify(reply.body), JSON_TYPE);
  else send(res, 200, reply instanceof JsonText ? reply.text : JSON.stringify(reply), JSON_TYPE);
}

/** The error body every client expects. https://spec.matrix.org/v1.19/client-server-api/#standard-error-response */
export function sendError(res: ServerResponse, error: MatrixError): void {
  const { status = statuses[error.errcode], body } = error.details;
  const wait = body?.['retry_after_ms'];
  const headers = typeof wait === 'number' ? [...JSON_TYPE, 'Retry-After', String(Math.ceil(wait / 1000))] : JSON_TYPE;
  send(res, status, JSON.stringify({ errcode: error.errcode, error: error.message, ...body }), headers);
}

export function sendText(res: ServerResponse, text: string): void {
  send(res, 200, text, ['Content-Type', 'text/plain']);
}

/** A preflight is answered for every path, before anything is looked at. */
export function sendPreflight(res: ServerResponse): void {
  res.writeHead(204, corsHeaders).end();
}

const JSON_TYPE = ['Content-Type', 'application/json'];
/** From here on it costs less to write bytes than to hand over a text. */
const LARGE_LENGTH = 16_384;
const MOST_BYTES_OF_A_UNIT = 3;

function send(res: ServerResponse, status: number, text: string, headers: readonly string[]): void {
  if (bodyIsDue(res.req)) outliveBody(res);
  const bytes = Buffer.byteLength(text);
  res.writeHead(status, [...corsHeaders, ...headers, 'Content-Length', String(bytes)]);
  // Where every character is one byte the text need not be encoded, which halves what a large answer costs.
  res.end(text, bytes === text.length ? 'latin1' : 'utf8');
}

/** Writes each part where it belongs in the bytes that go out: putting the text together first would copy all of it twice more. */
function sendLarge(res: ServerResponse, parts: readonly string[], memory: AnswerMemory): void {
  if (bodyIsDue(res.req)) outliveBody(res);
  const length = lengthOf(parts);
  const bytes = memory.lend(res, MOST_BYTES_OF_A_UNIT * length, () => parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0));
  // Counted, and no more than characters: each is one byte.
  const encoding = bytes.length === length ? 'latin1' : 'utf8';
  let at = 0;
  for (const part of parts) at += bytes.write(part, at, encoding);
  res.writeHead(200, [...corsHeaders, ...JSON_TYPE, 'Content-Length', String(at)]);
  res.end(bytes.subarray(0, at));
}

function lengthOf(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

async function sendBytes(res: ServerResponse, { body, headers }: ByteStream): Promise<void> {
  // Nobody is left to read it.
  if (res.destroyed) return body.close();
  // As many may wait for the end of a connection as it has answers under way.
  res.req.socket.setMaxListeners(0);
  // Someone who stops reading must not hold a file open for ever.
  res.setTimeout(SILENCE_MS, () => { res.destroy(); });
  res.writeHead(200, [...corsHeaders, ...Object.entries(headers).flat()]);
  if (res.req.method === 'HEAD') {
    await body.close();
    res.end();
    return;
  }
  try {
    for await (const piece of body) await write(res, piece);
  } catch (cause) {
    // What has gone out must not look whole.
    res.destroy();
    throw cause;
  }
  res.end();
}

/** Resolves when these bytes have left, and their memory may be used again. */
function write(res: ServerResponse, bytes: Uint8Array): Promise<void> {
  const { socket } = res.req;
  return new Promise((resolve, reject) => {
    const leave = (): void => { reject(new ClientGone()); };
    if (res.destroyed || socket.destroyed) {
      leave();
      return;
    }
    // Of an answer that waits for another on its connection only the connection tells that its reader has gone.
    socket.once('close', leave);
    res.write(bytes, (failed) => {
      socket.off('close', leave);
      if (failed) leave();
      else resolve();
    });
  });
}

const LEFTOVER_BYTES = 1_048_576;
const LEFTOVER_MS = 2_000;

/** Whether some of the body has yet to come. */
function bodyIsDue(req: IncomingMessage): boolean {
  return !req.complete && declaredBytes(req) !== 0;
}

/**
 * For an answer before the end of the body. Where the connection is not kept, only our side of it ends: closing both would destroy
 * the answer on its way to a client that is still sending. Where more is to come than anybody will read, it is not kept.
 */
function outliveBody(res: ServerResponse): void {
  const { req } = res;
  if (!(declaredBytes(req) <= LEFTOVER_BYTES)) res.shouldKeepAlive = false;
  req.socket.destroySoon = () => { req.socket.end(); };
}

/** Deals with the rest of a body that was answered without being read: a little is read on, then nothing, then the connection goes. */
export function dropLeftover(req: IncomingMessage): void {
  if (!bodyIsDue(req) || req.destroyed) return;
  const { socket } = req;
  let dropped = 0;
  const timer = setTimeout(() => { if (!req.complete) socket.destroy(); }, LEFTOVER_MS).unref();
  req.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > LEFTOVER_BYTES) req.pause();
  });
  req.once('end', () => {
    clearTimeout(timer);
    delete (socket as Partial<typeof socket>).destroySoon;
    if (socket.writableEnded) socket.destroySoon();
  });
  req.resume();
}

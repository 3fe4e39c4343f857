import { connect, type Socket } from 'node:net';

export class Reply {
  constructor(readonly status: number, readonly bytes: Buffer) {}

  /** Only made when it is asked for: of a file it would cost the client more than the file costs the server. */
  get text(): string {
    return this.bytes.toString();
  }
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One kept-alive HTTP/1.1 connection with one request in flight, on a bare socket: the client shares the machine with what it
 * measures, so it may cost next to nothing. Understands Content-Length and chunked answers, which is what homeservers send.
 */
export class Connection {
  readonly #host: string;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  /** Bytes it takes until looking again makes sense: copying all that came for every chunk would be dearer than the answer. */
  #due = 0;
  #waiting: Waiting | undefined;

  constructor(baseUrl: string) {
    const { host, hostname, port } = new URL(baseUrl);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk) => { this.#take(chunk); });
    this.#socket.on('error', (error) => { this.#fail(error); });
    this.#socket.on('close', () => { this.#fail(new Error('the server closed the connection')); });
  }

  request(method: string, path: string, token?: string, body?: string): Promise<Reply> {
    if (this.#waiting !== undefined) throw new Error('a request is in flight on this connection');
    const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
    const entity = body === undefined ? '\r\n' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${authorization}${entity}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#due -= chunk.length;
    if (this.#due > 0) return;
    const received = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const reply = complete(received);
    if (typeof reply === 'number') {
      this.#chunks.splice(0, this.#chunks.length, received);
      this.#due = reply;
      return;
    }
    this.#chunks.length = 0;
    this.#due = 0;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(reply);
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }
}

/** The whole answer, once all of it is there; until then, how many bytes are missing at least. */
function complete(received: Buffer): Reply | number {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return 1;
  const head = received.toString('latin1', 0, end);
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const last = end + 4 + Number(length);
    return received.length < last ? last - received.length : new Reply(status, received.subarray(end + 4, last));
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return new Reply(status, Buffer.alloc(0));
  const bytes = unchunked(received, end + 4);
  return bytes === undefined ? 1 : new Reply(status, bytes);
}

function unchunked(received: Buffer, start: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const line = received.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = parseInt(received.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (received.length < next) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(received.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

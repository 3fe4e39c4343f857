import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import express, { type Express } from 'express';
import { corsHeaders } from './answer.js';
import { createDispatch, type AppParts, type Dispatch } from './dispatch.js';

export interface App {
  /** A server of the whole table, not listening yet; one for each address to listen on. */
  server(listener: { readonly xForwarded: boolean }): Server;
}

/** Compiles the API. Throws when two rows answer one path. */
export function createApp(parts: AppParts): App {
  const dispatch = createDispatch(parts);
  return { server: ({ xForwarded }) => serverOf(expressOf(dispatch, xForwarded)) };
}

/**
 * Takes no further connection, lets requests in flight finish and resolves when the last has; after `graceMs` cuts what is left.
 * Fire `services.closing` first, so that long polls answer.
 */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => { server.closeAllConnections(); }, graceMs);
    // A connection kept alive falls idle only when its answer is through.
    const sweep = setInterval(() => { server.closeIdleConnections(); }, 50);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(sweep);
      resolve();
    });
  });
}

function expressOf(dispatch: Dispatch, xForwarded: boolean): Express {
  const app = express();
  app.disable('x-powered-by');
  // Of X-Forwarded-For counts the right-most address that is no proxy of ours: what stands left of it, anybody may have written.
  app.set('trust proxy', xForwarded ? ['loopback', 'linklocal', 'uniquelocal'] : false);
  app.use((req, res) => dispatch(req, res));
  return app;
}

function serverOf(app: Express): Server {
  // Express gives its own prototypes to every request and response, which costs more than all it does besides,
  // unless they have them already.
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  app.request = Object.setPrototypeOf(Request.prototype, app.request) as Express['request'];
  app.response = Object.setPrototypeOf(Response.prototype, app.response) as Express['response'];
  const server = createServer(
    {
      IncomingMessage: Request,
      ServerResponse: Response,
      headersTimeout: 20_000,
      // An upload over a slow line takes minutes; JSON bodies and silent uploads are cut long before.
      requestTimeout: 600_000,
      connectionsCheckingInterval: 5_000,
      // Longer than proxies keep their side open, so that none sends into a connection just closed here.
      keepAliveTimeout: 75_000,
    },
    app,
  );
  // No long poll is silent for so long.
  server.timeout = 180_000;
  server.on('clientError', refuseMalformed);
  return server;
}

/** What is not even HTTP gets the same kind of answer as everything else. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = statusOfParserError(error.code);
  const text = JSON.stringify({ errcode: 'M_UNKNOWN', error: 'The request is not well-formed HTTP' });
  const cors = corsHeaders.map((part, i) => (i % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
  socket.end(
    `HTTP/1.1 ${status}\r\n${cors}Content-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
}

function statusOfParserError(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return '400 Bad Request';
}

import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { Connection, type Reply } from './http.js';

const closers: (() => void)[] = [];
afterEach(() => { for (const close of closers.splice(0)) close(); });

/** A server that answers every request with these pieces, one write each. */
async function connectionTo(pieces: readonly string[]): Promise<Connection> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.on('data', () => {
      pieces.forEach((piece, i) => setTimeout(() => socket.write(piece), i * 10));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = new Connection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  closers.push(() => { connection.close(); for (const socket of sockets) socket.destroy(); server.close(); });
  return connection;
}

const saidBy = ({ status, text }: Reply): readonly [number, string] => [status, text];

it('waits for all of an answer of known length, and can be used again', async () => {
  const connection = await connectionTo(['HTTP/1.1 200 OK\r\nContent-', 'Length: 8\r\n\r\n{"é"', ':1}']);
  expect(saidBy(await connection.request('GET', '/'))).toEqual([200, '{"é":1}']);
  expect(saidBy(await connection.request('PUT', '/', 'token', '{}'))).toEqual([200, '{"é":1}']);
});

it('joins the chunks of an answer, wherever the network cut them', async () => {
  const connection = await connectionTo(['HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":', '\r\n2\r', '\n1}\r\n0\r\n', '\r\n']);
  expect(saidBy(await connection.request('GET', '/'))).toEqual([404, '{"a":1}']);
});

it('says so when the server goes away', async () => {
  const connection = await connectionTo([]);
  const answer = connection.request('GET', '/');
  setTimeout(() => { for (const close of closers) close(); }, 20);
  await expect(answer).rejects.toThrow('closed');
});

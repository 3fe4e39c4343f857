import { once } from 'node:events';
import { Agent, get as httpGet } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Server } from 'node:http';
import { expect, it } from '@jest/globals';
import { closeServer } from './app.js';
import { smallTable } from './table.testing.js';

const poll = 'GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n';

async function dial(server: Server, text: string): Promise<Socket> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(text);
  return socket;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000 && !condition(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('tells a long poll that its client has gone, and logs no failure', async () => {
  const { listen, seen, logged } = smallTable();
  const server = listen();
  const socket = await dial(server, poll);
  await until(() => seen.length === 1);
  socket.destroy();
  await until(() => logged.length === 1);
  expect(seen).toEqual(['waiting', 'gone']);
  expect(logged.join('')).toMatch(/^\{"level":30[^\n]*"gone":true/);
  await closeServer(server, 100);
});

it('closes a stream that nobody is left to read, and logs no failure', async () => {
  const { listen, seen, logged } = smallTable();
  const server = listen();
  const socket = await dial(server, 'GET /_matrix/client/v3/late HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => seen.length === 1);
  socket.destroy();
  await until(() => logged.length === 1 && seen.length === 2);
  expect(seen).toEqual(['waiting', 'closed']);
  expect(logged.join('')).toMatch(/^\{"level":30[^\n]*"gone":true/);
  await closeServer(server, 100);
});

it('closes a stream whose reader leaves in the middle, and logs no failure', async () => {
  const { listen, seen, logged } = smallTable();
  const server = listen();
  const socket = await dial(server, 'GET /_matrix/client/v3/endless HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  await until(() => logged.length === 1);
  expect(seen).toEqual(['closed']);
  expect(logged.join('')).toMatch(/^\{"level":30[^\n]*"gone":true/);
  await closeServer(server, 100);
});

it('closes every stream of a connection that ends, those too that wait for another to be over', async () => {
  const { listen, seen, logged } = smallTable();
  const server = listen();
  const socket = await dial(server, 'GET /_matrix/client/v3/endless HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
  await once(socket, 'data');
  socket.destroy();
  await until(() => logged.length === 3);
  expect(seen).toEqual(['closed', 'closed', 'closed']);
  for (const line of logged) expect(line).toMatch(/^\{"level":30[^\n]*"gone":true/);
  await closeServer(server, 100);
});

it('a client that leaves in the middle of its upload is no failure either', async () => {
  const { listen, logged } = smallTable();
  const server = listen();
  const socket = await dial(server, 'POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 1000\r\n\r\nabc');
  server.once('request', () => { setTimeout(() => { socket.destroy(); }, 50); });
  await until(() => logged.length === 1);
  expect(logged.join('')).toMatch(/^\{"level":30[^\n]*"gone":true/);
  await closeServer(server, 100);
});

it('a client that closes after its answer has the answer, even when it is still sending', async () => {
  const server = smallTable().listen();
  const socket = await dial(server, 'PUT /_matrix/client/v3/filter/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n');
  const failures: Error[] = [];
  socket.on('error', (error) => failures.push(error));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  for (let i = 0; i < 10; i += 1) {
    socket.write('x'.repeat(30_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await closeServer(server, 1000);
  expect(String(answer)).toMatch(/^HTTP\/1.1 413 [^]*Connection: close/);
  expect(failures).toEqual([]);
});

it('tells a client that has too much left to send to use the connection no more', async () => {
  const server = smallTable().listen();
  const socket = await dial(server, 'PUT /_matrix/client/v3/filter/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1.1 413 [^]*Connection: close/);
  socket.destroy();
  await closeServer(server, 100);
});

it('stops: long polls answer, idle connections close, no new ones are taken', async () => {
  const { listen, seen, stop } = smallTable();
  const server = listen();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  await new Promise((resolve) => httpGet({ port, path: '/health', agent }, (res) => res.resume().on('end', resolve)));
  const socket = await dial(server, poll);
  await until(() => seen.length === 1);
  const begun = performance.now();
  stop();
  const [closed, [answer]] = await Promise.all([closeServer(server, 5000), once(socket, 'data') as Promise<[Buffer]>]);
  expect(closed).toBeUndefined();
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 [^]*next_batch/);
  expect(performance.now() - begun).toBeLessThan(4000);
  agent.destroy();
});

it('stops within its grace even when a client never ends', async () => {
  const { listen, stop } = smallTable();
  const server = listen();
  const socket = await dial(server, 'PUT /_matrix/client/v3/filter/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{');
  socket.on('error', () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop();
  await closeServer(server, 100);
  expect(server.listening).toBe(false);
});

it('answers what is not HTTP in JSON all the same', async () => {
  const server = smallTable().listen();
  const socket = await dial(server, 'nonsense\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1.1 400 [^]*Access-Control-Allow-Origin: \*[^]*"errcode":"M_UNKNOWN"/);
  await closeServer(server, 100);
});

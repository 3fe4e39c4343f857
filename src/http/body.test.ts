import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { parseJsonObject, readBody, textOf } from './body.js';
import { smallTable } from './table.testing.js';

const token = { Authorization: 'Bearer good' };
const filter = '/_matrix/client/v3/filter/a';

describe('a JSON body', () => {
  const { listen, seen } = smallTable();
  const client = request(listen());
  const refused = async (body: string | Buffer): Promise<unknown[]> => {
    const res = await client.put(filter).set('Content-Type', 'application/json').send(body);
    return [res.status, res.body.errcode];
  };

  it('that is no JSON or no UTF-8 is M_NOT_JSON', async () => {
    for (const body of ['', '{', "{'a':1}", '{"a":1}x', '{"a":NaN}', '\ufeff{}', '{"a":"\0"}']) {
      expect([body, ...(await refused(body))]).toEqual([body, 400, 'M_NOT_JSON']);
    }
    expect(() => textOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('not JSON');
  });

  it('that is no object is M_BAD_JSON', async () => {
    for (const body of ['[]', '1', 'null', '"a"']) expect([body, ...(await refused(body))]).toEqual([body, 400, 'M_BAD_JSON']);
  });

  it('with NUL, half a surrogate pair, an endless number or a hundred levels is M_BAD_JSON', async () => {
    expect([...(await refused('{"a":[-1e999]}'))]).toEqual([400, 'M_BAD_JSON']);
    const deep = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;
    for (const body of ['{"a":"\\u0000"}', '{"a":["\\ud83d"]}', '{"\\uDE00":1}', deep, `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`]) {
      expect([body.slice(0, 20), ...(await refused(body))]).toEqual([body.slice(0, 20), 400, 'M_BAD_JSON']);
    }
    expect((await client.put(filter).send('{"a":"\\ud83d\\ude00 \\\\u0000"}')).body).toEqual({ a: '😀 \\u0000' });
  });

  it('that gives a key twice is M_BAD_JSON, however deep and however written', async () => {
    for (const body of ['{"a":1,"a":2}', '{"a":1,"\\u0061":1}', '{"a":[{"b":{},"c":"\\\\","b":{}}]}', '{"__proto__":1,"__proto__":2}']) {
      expect([body, ...(await refused(body))]).toEqual([body, 400, 'M_BAD_JSON']);
    }
    const once = '{"a":{"b":":{","c":"\\":","d":"\\\\"},"b":[{"a":1},{"a":1}],"__proto__":{"b":1}}';
    expect((await client.put(filter).send(once)).text).toBe(once);
  });

  it('of more values than anybody has reason to send is M_TOO_LARGE', () => {
    expect(() => parseJsonObject(`{"a":[${'{},'.repeat(500_000)}{}]}`)).toThrow(expect.objectContaining({ errcode: 'M_TOO_LARGE' }));
  });

  it('of the wrong shape is M_BAD_JSON, and reaches no handler', async () => {
    const res = await client.post('/_matrix/client/v3/rooms/!a:x/invite').set(token).send({ user_id: 5 });
    expect([res.status, res.body.errcode, res.body.error]).toEqual([400, 'M_BAD_JSON', 'The request body: user_id must be string']);
    expect(seen).toEqual([]);
  });

  it('may be absent from a POST', async () => {
    expect((await client.post('/_matrix/client/v3/logout').set(token)).status).toBe(200);
  });
});

describe('the size of a body', () => {
  it('is limited to that of an event, or to what the row says', async () => {
    const client = request(smallTable().listen());
    const body = { a: 'x'.repeat(66_000) };
    const res = await client.put(filter).send(body);
    expect([res.status, res.body.errcode]).toEqual([413, 'M_TOO_LARGE']);
    expect((await client.put('/_matrix/client/v3/keys/k').send(body)).body).toEqual({ keys: 1 });
  });

  it('is refused before 10 MB have been sent, and the connection goes soon after', async () => {
    const server = smallTable().listen();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`PUT ${filter} HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n{"a":"`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 [^]*M_TOO_LARGE/);
    const begun = performance.now();
    await once(socket, 'close');
    expect(performance.now() - begun).toBeLessThan(30_000);
    server.close();
  });

  it('without a declared length is counted as it comes', async () => {
    const server = smallTable().listen();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`PUT ${filter} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n${'x'.repeat(0x20000)}\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
    server.close();
  });
});

it('a half-sent body is cut with 408', async () => {
  const req = Object.assign(new PassThrough(), { headers: { 'content-length': '10' }, complete: false });
  req.write('{');
  await expect(readBody(req as unknown as IncomingMessage, 100, 20)).rejects.toMatchObject({ details: { status: 408 } });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { allEndpoints, fillPath } from './endpoints.js';
import { startShard, type Person, type Shard } from './harness.js';
import { sendRaw } from './raw-http.js';

const endpoints = allEndpoints();
const paths = [...new Set(endpoints.flatMap((row) => row.paths.map((path) => fillPath(path, (name) => (name === 'serverName' ? 'localhost' : 'x')))))];
const unknown = ['/', '/_matrix', '/_matrix/client/v3', '/_matrix/client/v3/nothing', '/_matrix/client/v9/sync', '/_matrix/federation/v1/nothing', '/_synapse/admin/v1/users', '/%'];

let shard: Shard;
let alice: Person;
beforeAll(async () => {
  shard = await startShard();
  alice = await shard.register();
});
afterAll(async () => {
  await shard.stop();
});

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
};

describe('Web browser clients', () => {
  it('the server must respond to OPTIONS on every path, known or not, without a token', async () => {
    for (const target of [...paths, ...unknown]) {
      const { status, headers, text } = await sendRaw(shard.baseUrl, { method: 'OPTIONS', target });
      expect({ target, status, headers, text }).toEqual({ target, status: 204, headers: expect.objectContaining(CORS), text: '' });
    }
  });

  it('every answer carries the headers a browser asks for, refusals included', async () => {
    for (const target of [...paths, ...unknown]) {
      for (const method of ['GET', 'POST', 'PATCH']) {
        const { headers } = await sendRaw(shard.baseUrl, { method, target });
        expect({ target, headers }).toEqual({ target, headers: expect.objectContaining(CORS) });
      }
    }
  });
});

describe('Common error codes', () => {
  it('M_UNRECOGNIZED with 404: the endpoint is not implemented', async () => {
    for (const target of unknown) {
      const { status, headers, text } = await sendRaw(shard.baseUrl, { method: 'GET', target, token: alice.token });
      expect({ target, status, type: headers['content-type'], errcode: (JSON.parse(text) as { errcode: string }).errcode })
        .toEqual({ target, status: 404, type: 'application/json', errcode: 'M_UNRECOGNIZED' });
    }
  });

  it('M_UNRECOGNIZED with 405: the endpoint is implemented, but not the method', async () => {
    for (const target of paths) {
      const { status, headers, text } = await sendRaw(shard.baseUrl, { method: 'PATCH', target, token: alice.token });
      expect({ target, status, type: headers['content-type'], errcode: (JSON.parse(text) as { errcode: string }).errcode })
        .toEqual({ target, status: 405, type: 'application/json', errcode: 'M_UNRECOGNIZED' });
    }
  });

  it.each(['/_matrix/federation/v1/version', '/_matrix/key/v2/server'])('%s is known and not served', async (path) => {
    expect(await shard.request('GET', path)).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    expect(await shard.request('DELETE', path)).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
  });

  it.each(['download/localhost/abcdefgh', 'thumbnail/localhost/abcdefgh', 'download/localhost/abcdefgh/name'])('media/v3/%s does not exist (C1)', async (path) => {
    for (const version of ['v1', 'r0', 'v3']) {
      expect(await shard.request('GET', `/_matrix/media/${version}/${path}`, { token: alice.token })).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    }
  });

  it.each(['events', 'initialSync', 'events/$x', 'rooms/!r:localhost/initialSync'])('%s does not exist (A6)', async (path) => {
    expect(await shard.request('GET', `/_matrix/client/v3/${path}`, { token: alice.token })).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
  });
});

describe('HTTP', () => {
  it('HEAD is answered as GET, without the body', async () => {
    for (const target of ['/_matrix/client/versions', '/_matrix/client/v3/devices', '/_matrix/client/v3/nothing', '/health']) {
      const [head, got] = await Promise.all(['HEAD', 'GET'].map((method) => sendRaw(shard.baseUrl, { method, target, token: alice.token })));
      const told = (answer: typeof head) => ({ status: answer?.status, length: answer?.headers['content-length'], type: answer?.headers['content-type'] });
      expect(told(head)).toEqual(told(got));
      expect(head?.text).toBe('');
    }
    expect((await sendRaw(shard.baseUrl, { method: 'HEAD', target: '/_matrix/client/v3/logout', token: alice.token })).status).toBe(405);
  });

  it('a slash at the end means nothing, and letters mean what they are', async () => {
    expect((await shard.request('GET', '/_matrix/client/v3/pushrules/', { token: alice.token })).status).toBe(200);
    expect((await shard.request('GET', '/_matrix/client/V3/pushrules', { token: alice.token })).status).toBe(404);
  });

  it('nothing of all this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});

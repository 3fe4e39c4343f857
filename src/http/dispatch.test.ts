import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { smallTable } from './table.testing.js';

const token = { Authorization: 'Bearer good' };
const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
};

describe('paths and methods', () => {
  const client = request(smallTable().listen());

  it('answers an unknown path 404 and a wrong method 405, both M_UNRECOGNIZED with CORS and JSON', async () => {
    const cases: [string, 'get' | 'put' | 'patch', number][] = [
      ['/', 'get', 404],
      ['/_matrix/client/v3/nothing', 'get', 404],
      ['/_matrix/federation/v1/unknown', 'get', 404],
      ['/_matrix/key/unknown', 'get', 404],
      ['/_matrix/media/unknown', 'get', 404],
      ['/_matrix/client/v3/rooms//invite', 'put', 404],
      ['/_matrix/client/V3/account/whoami', 'get', 404],
      ['/_matrix/client/v3/account/whoami', 'put', 405],
      ['/_matrix/federation/v1/version', 'put', 405],
      ['/_matrix/key/v2/query', 'put', 405],
      ['/_matrix/media/v3/upload', 'patch', 405],
    ];
    for (const [path, method, status] of cases) {
      const res = await client[method](path);
      expect([path, res.status, res.body.errcode]).toEqual([path, status, 'M_UNRECOGNIZED']);
      expect(res.headers).toMatchObject({ ...cors, 'content-type': 'application/json' });
    }
  });

  it('serves v3 under r0 and under the aliases of the row, with or without a slash at the end', async () => {
    for (const path of ['/v3/page', '/r0/page', '/unstable/org.example/page', '/v3/page/']) {
      expect((await client.get(`/_matrix/client${path}`)).status).toBe(200);
    }
    expect((await client.post('/_matrix/media/r0/upload').set(token).send('x')).status).toBe(200);
  });

  it('answers OPTIONS of everything without looking further', async () => {
    const res = await client.options('/_matrix/client/v3/nothing');
    expect([res.status, res.text]).toEqual([204, '']);
    expect(res.headers).toMatchObject(cors);
  });

  it('refuses bad percent escapes and NUL in paths and queries with 400', async () => {
    for (const path of ['/filter/%zz', '/filter/%00', '/filter/%ff', '/filter/%ed%a0%80', '/page?via=%zz', '/page?via=%00']) {
      const res = await client.put(`/_matrix/client/v3${path}`).send('{}');
      const got = path.startsWith('/page') ? await client.get(`/_matrix/client/v3${path}`) : res;
      expect([path, got.status, got.body.errcode]).toEqual([path, 400, 'M_INVALID_PARAM']);
    }
  });

  it('hands a parameter over decoded and checked', async () => {
    const invite = (room: string) => client.post(`/_matrix/client/v3/rooms/${room}/invite`).set(token).send({ user_id: '@b:x' });
    expect((await invite('!a%3Aexample.org')).body.room).toBe('!a:example.org');
    expect((await invite('%23a%3Aexample.org')).body.errcode).toBe('M_INVALID_PARAM');
  });
});

describe('the order of checks', () => {
  it('asks for a token before anything else, and ignores one where none is needed', async () => {
    const client = request(smallTable().listen());
    const missing = await client.post('/_matrix/client/v3/rooms/nonsense/invite').send('nonsense');
    expect([missing.status, missing.body.errcode]).toEqual([401, 'M_MISSING_TOKEN']);
    const bad = await client.get('/_matrix/client/v3/account/whoami?access_token=good').set('Authorization', 'Bearer bad');
    expect([bad.status, bad.body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    expect((await client.get('/_matrix/client/versions').set('Authorization', 'Bearer bad')).status).toBe(200);
  });

  it('spends before it parses, and says in header and body how long to wait', async () => {
    const client = request(smallTable({ login: [{ name: 'rc_login.address', by: 'address', perSecond: 0.3, burst: 1 }] }).listen());
    expect((await client.post('/_matrix/client/v3/login')).status).toBe(200);
    const res = await client.post('/_matrix/client/v3/login').send('nonsense');
    expect([res.status, res.body.errcode, res.body.retry_after_ms]).toEqual([429, 'M_LIMIT_EXCEEDED', 3334]);
    expect(res.headers['retry-after']).toBe('4');
  });
});

describe('answers', () => {
  const { listen, logged } = smallTable();
  const client = request(listen());

  it('sends JSON, JSON text and bytes as they are', async () => {
    const json = await client.get('/_matrix/client/versions');
    expect(json.headers).toMatchObject({ ...cors, 'content-type': 'application/json', 'content-length': '22' });
    expect((await client.get('/_matrix/client/v3/text')).text).toBe('{"a":1.0}');
    const bytes = await client.get('/_matrix/client/v3/bytes');
    expect(bytes.headers).toMatchObject({ ...cors, 'content-type': 'application/octet-stream' });
    expect(String(bytes.body)).toBe('onetwo');
  });

  it('cuts the connection when a stream breaks in the middle', async () => {
    await expect(client.get('/_matrix/client/v3/broken')).rejects.toThrow('aborted');
    expect(logged.join('')).toContain('the disk went away');
  });

  it('answers /health with OK and does not log it', async () => {
    const before = logged.length;
    const res = await client.get('/health');
    expect([res.status, res.text, res.headers['content-type']]).toEqual([200, 'OK', 'text/plain']);
    expect(logged.length).toBe(before);
  });

  it('adds the further members of an error', async () => {
    const res = await client.get('/_matrix/client/v3/forbidden');
    expect([res.status, res.body]).toEqual([403, { errcode: 'M_FORBIDDEN', error: 'No', soft_logout: true }]);
  });

  it('keeps the cause of a failure for the log and gives the client its request id', async () => {
    const res = await client.delete('/_matrix/client/v3/crash');
    expect([res.status, res.body.errcode]).toEqual([500, 'M_UNKNOWN']);
    const requestId = /request (\S+)$/.exec(res.body.error as string)?.[1];
    expect(res.text).not.toContain('secret');
    expect(logged.find((line) => line.includes('secret detail'))).toContain(`"requestId":"${requestId}"`);
  });

  it('logs a CHECK reached at run time as a breach, without the values of the row', async () => {
    await client.delete('/_matrix/client/v3/breach');
    const line = logged.find((one) => one.includes('no_public_rooms'));
    expect(line).toContain('"breach":true');
    expect(line).not.toContain('@alice');
  });

  it('logs a request as one line with its template and nothing of its content', async () => {
    await client.post('/_matrix/client/v3/rooms/!a:example.org/invite?q=term').set(token).send({ user_id: '@bob:example.org' });
    const line = JSON.parse(logged.at(-1) ?? '') as object;
    expect(line).toMatchObject({ method: 'POST', route: '/v3/rooms/:roomId/invite', status: 200 });
    expect(JSON.stringify(line)).not.toMatch(/example|good|term/);
  });
});

describe('queries', () => {
  const client = request(smallTable().listen());

  it('coerces numbers and booleans, and makes lists of repeated keys', async () => {
    const res = await client.get('/_matrix/client/v3/page?limit=5&full=true&via=a&via=b+c&other=1');
    expect(res.body).toEqual({ limit: 5, full: true, via: ['a', 'b c'], other: '1' });
    expect((await client.get('/_matrix/client/v3/page?via=a')).body).toEqual({ via: ['a'] });
  });

  it('refuses what is not the number it should be', async () => {
    for (const query of ['limit=five', 'limit=1&limit=2', 'limit=', 'full=maybe']) {
      const res = await client.get(`/_matrix/client/v3/page?${query}`);
      expect([query, res.status, res.body.errcode]).toEqual([query, 400, 'M_INVALID_PARAM']);
    }
  });
});

describe('the address of the client', () => {
  it('is that of the connection, whatever the headers say', async () => {
    const client = request(smallTable().listen());
    expect((await client.get('/_matrix/client/v3/ip').set('X-Forwarded-For', '203.0.113.9')).body.ip).toMatch(/127\.0\.0\.1$/);
  });

  it('behind proxies is the right-most that is none of them', async () => {
    const client = request(smallTable().listen({ xForwarded: true }));
    const res = await client.get('/_matrix/client/v3/ip').set('X-Forwarded-For', '198.51.100.1, 203.0.113.9, 10.0.0.7');
    expect(res.body.ip).toBe('203.0.113.9');
  });
});

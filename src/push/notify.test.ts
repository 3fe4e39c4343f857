import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressCheck, PRIVATE_RANGES } from './addresses.js';
import { openNotify } from './notify.js';

const check = (allowed: readonly string[] = []) => addressCheck({ blocked: PRIVATE_RANGES, allowed });

describe('addresses the server may connect to', () => {
  it.each([
    '127.0.0.1', '10.1.2.3', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1',
    '::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::', 'not an address', '127.1', '',
  ])('%s is none', (address) => expect(check()(address)).toBe(false));

  it.each(['1.1.1.1', '2606:4700::1111', '172.32.0.1'])('%s is one', (address) => expect(check()(address)).toBe(true));

  it('an exception holds for itself only, and never for an address of no machine', () => {
    const mayConnect = check(['10.0.0.5', 'fd00::/64', '0.0.0.0/0']);
    expect([mayConnect('10.0.0.5'), mayConnect('fd00::7'), mayConnect('fd01::7'), mayConnect('0.0.0.0')]).toEqual([true, true, false, false]);
    expect(check(['10.0.0.5'])('10.0.0.6')).toBe(false);
  });
});

describe('what is sent to a gateway', () => {
  let server: Server;
  let port: number;
  let hits = 0;
  let answer = '';
  let isSilent = false;
  beforeAll(async () => {
    server = createServer((_, response) => {
      hits += 1;
      if (!isSilent) response.end(answer);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  let now = 0;
  const open = (allowed: readonly string[], timeoutMs = 2000) => openNotify({ mayConnect: check(allowed), clock: () => now, closing: new AbortController().signal, timeoutMs });
  const failure = async (sent: Promise<unknown>): Promise<string> => sent.then(() => 'sent', (error: unknown) => String(error));

  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])('never reaches %s unless it is listed', async (host) => {
    const before = hits;
    expect(await failure(open([])(`http://${host}:${port}/`, {}))).toMatch(/may not be connected to/);
    expect(hits).toBe(before);
  });

  it.each(['127.0.0.1', 'localhost'])('reaches %s when it is listed', async (host) => {
    answer = '{"rejected":["a",1]}';
    expect(await open(['127.0.0.1'])(`http://${host}:${port}/`, {})).toEqual(['a']);
  });

  it('an answer that is no JSON, or has no end, rejects nobody', async () => {
    for (const text of ['', 'thanks', '{"rejected":"a"}', `{"rejected":["a"],"x":"${'x'.repeat(200_000)}"}`]) {
      answer = text;
      expect(await open(['127.0.0.1'])(`http://127.0.0.1:${port}/`, {})).toEqual([]);
    }
  });

  it('a gateway that does not answer in time is left alone for a while', async () => {
    const notify = open(['127.0.0.1'], 50);
    isSilent = true;
    expect(await failure(notify(`http://127.0.0.1:${port}/`, {}))).toMatch(/in time/);
    isSilent = false;
    answer = '{"rejected":[]}';
    expect(await failure(notify(`http://127.0.0.1:${port}/`, {}))).toMatch(/a moment ago/);
    now += 10_001;
    expect(await failure(notify(`http://127.0.0.1:${port}/`, {}))).toBe('sent');
  });
});

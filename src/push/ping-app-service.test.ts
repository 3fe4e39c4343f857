import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAppServices } from '../auth/app-services.js';
import { sessionOf } from '../auth/session.testing.js';
import { parseDeviceId, parseServerName, parseUserId } from '../matrix/identifiers.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { enqueue } from '../storage/outbox.js';
import { addressCheck, PRIVATE_RANGES } from './addresses.js';
import { checkFor, openAppServiceCalls } from './app-service-calls.js';
import { taskFor } from './app-services.js';
import { pingAppService } from './ping-app-service.js';

const mayConnect = addressCheck({ blocked: PRIVATE_RANGES, allowed: [] });

describe('where an application service may be', () => {
  const mayReach = (url: string, address: string): boolean => checkFor(new URL(url), mayConnect)(address);

  it('at an address that the operator wrote down', () => {
    for (const address of ['127.0.0.1', '10.0.0.7', '192.0.2.1']) expect(mayReach(`http://${address}:9000`, address)).toBe(true);
    expect(mayReach('http://[fd00::1]:9000', 'fd00::1')).toBe(true);
    for (const nowhere of ['0.0.0.0', '255.255.255.255', '224.0.0.1']) expect(mayReach(`http://${nowhere}`, nowhere)).toBe(false);
  });

  it('on this machine, by its name and nothing else that the name may lead to', () => {
    for (const address of ['127.0.0.1', '::1']) expect(mayReach('http://localhost:9000', address)).toBe(true);
    for (const address of ['10.0.0.7', '169.254.169.254', '1.1.1.1']) expect(mayReach('http://localhost:9000', address)).toBe(false);
  });

  it('behind another name only where a gateway of pushes might be', () => {
    for (const address of ['127.0.0.1', '10.0.0.7', '169.254.169.254', '::1']) expect(mayReach('http://bridge.example', address)).toBe(false);
    expect(mayReach('http://bridge.example', '1.1.1.1')).toBe(true);
    expect(checkFor(new URL('http://bridge'), addressCheck({ blocked: PRIVATE_RANGES, allowed: ['172.18.0.0/16'] }))('172.18.0.3')).toBe(true);
  });
});

describe.each(engines)('a ping on $name', ({ open }) => {
  let opened: Awaited<ReturnType<typeof open>>;
  let service: Server;
  let answer: (response: ServerResponse) => void;
  beforeAll(async () => {
    opened = await open();
    service = createServer((_, response) => { answer(response); });
    await new Promise<void>((done) => service.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    service.closeAllConnections();
    service.close();
    await opened.drop();
  });

  const ping = () => {
    const url = `http://localhost:${(service.address() as AddressInfo).port}`;
    const appServices = createAppServices(
      [{ file: 'irc', id: 'irc', url, asToken: 'as', hsToken: 'hs', senderLocalpart: 'irc', namespaces: { users: [], rooms: [], aliases: [] }, isRateLimited: false }],
      parseServerName('shard.example'),
    );
    const appServiceCalls = openAppServiceCalls({ mayConnect, closing: new AbortController().signal, timeoutMs: 100 });
    const session = { ...sessionOf({ userNid: 1, userId: parseUserId('@irc:shard.example'), deviceNid: 2, deviceId: parseDeviceId('A') }), appService: { id: 'irc', isRateLimited: false } };
    return pingAppService({ db: opened.db, clock: () => 1_000, appServices, appServiceCalls }, { session, params: { appserviceId: 'irc' }, body: {} });
  };
  const due = () => opened.db.read((tx) => tx.one<{ due_ts: number }>(sql`SELECT due_ts FROM outbox WHERE kind = ${taskFor('irc')}`));

  it('that is not answered in time is M_CONNECTION_TIMEOUT; one that is brings forward what waits for the service', async () => {
    await opened.db.transaction((tx) => enqueue(tx, taskFor('irc'), {}, 1e9));
    answer = () => undefined;
    await expect(ping()).rejects.toMatchObject({ errcode: 'M_CONNECTION_TIMEOUT' });
    answer = (response) => { response.writeHead(200).write('{'); };
    await expect(ping()).rejects.toMatchObject({ errcode: 'M_CONNECTION_TIMEOUT' });
    answer = (response) => { response.writeHead(500).end('{}'); };
    await expect(ping()).rejects.toMatchObject({ errcode: 'M_BAD_STATUS', details: { body: { status: 500, body: '{}' } } });
    expect(await due()).toEqual({ due_ts: 1e9 });
    answer = (response) => { response.end('{}'); };
    expect(await ping()).toEqual({ duration_ms: 0 });
    expect(await due()).toEqual({ due_ts: 1_000 });
  });
});

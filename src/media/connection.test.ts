import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createServer, request, type ClientRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { engines } from '../storage/engines.testing.js';
import { openShard, person, upload, type Shard } from './fixture.testing.js';
import { uploadMedia } from './upload.js';

const [sqlite] = engines;

describe('an upload over a real connection', () => {
  let shard: Shard;
  let server: Server;
  let settled: Promise<unknown>;
  let session: Session;

  beforeEach(async () => {
    if (sqlite === undefined) throw new Error('no engine');
    shard = await openShard(sqlite);
    session = await person(shard.db, 'alice', 100);
    await upload(shard, session);
    server = createServer((req, res) => {
      settled = (async () => {
        await uploadMedia(shard, { session, stream: req, contentType: undefined, contentLength: undefined });
        res.end();
      })().catch((cause: unknown) => {
        if (cause instanceof MatrixError) res.writeHead(413).end(cause.errcode);
        return cause;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await shard.close();
  });

  function connect(): ClientRequest {
    const { port } = server.address() as AddressInfo;
    return request({ port, host: '127.0.0.1', method: 'POST' }).on('error', () => undefined);
  }

  const filesThere = async (): Promise<number> => (await readdir(shard.folder, { recursive: true })).filter((name) => name.includes('/')).length;
  const filesBecome = async (count: number): Promise<void> => {
    while (await filesThere() !== count) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('leaves nothing of an upload whose client goes away', async () => {
    const client = connect();
    client.write(randomBytes(200_000));
    await filesBecome(2);
    client.destroy();
    await filesBecome(1);
    expect(await settled).toHaveProperty('message', 'aborted');
  });

  it('answers a refusal while the client is still sending', async () => {
    const client = connect();
    client.write(randomBytes(1_500_000));
    const status = await new Promise((resolve) => client.on('response', (response) => { resolve(response.statusCode); }));
    expect(status).toBe(413);
    expect(await filesThere()).toBe(1);
    client.destroy();
  });
});

import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { parseServerName } from '../matrix/identifiers.js';
import type { Bytes } from '../matrix/reply.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import type { BlobStore, SealedBlob } from './blob-store.js';
import { contentDisposition, downloadMedia } from './download.js';
import { openShard, person, serverName, upload, type Shard } from './fixture.testing.js';
import { shardMediaKey } from './open.js';
import { sweepBlobs } from './sweep.js';
import { getThumbnail } from './thumbnail.js';
import { uploadMedia } from './upload.js';

const MEBI = 1_048_576;
const DAY = 86_400_000;

async function bytesOf(bytes: Bytes): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const piece of bytes) out.push(Buffer.from(piece));
  return Buffer.concat(out);
}

describe.each(engines)('media on $name', (engine) => {
  let shard: Shard;
  let alice: Session;

  beforeEach(async () => {
    shard = await openShard(engine);
    alice = await person(shard.db, 'alice', 100);
  });
  afterEach(() => shard.close());

  const uploadOf = (stream: Readable, more: { contentType?: string; contentLength?: number } = {}): Promise<{ content_uri: string }> =>
    uploadMedia(shard, { session: alice, stream, contentType: undefined, contentLength: undefined, ...more });
  const download = (mediaId: string, fileName?: string) =>
    downloadMedia(shard, { session: alice, params: { serverName, mediaId, ...(fileName === undefined ? {} : { fileName }) } });
  const filesThere = async (): Promise<string[]> => (await readdir(shard.folder, { recursive: true })).filter((name) => name.includes('/'));
  const pathOf = (mediaId: string): string => join(shard.folder, mediaId.slice(0, 2), mediaId);
  const rowsThere = async (): Promise<number> => (await shard.db.read((tx) => tx.all(sql`SELECT media_id FROM media`))).length;

  it.each([0, 1, 1000, 65_536, 300_000])('comes back as it was uploaded, %i bytes', async (size) => {
    const plain = randomBytes(size);
    const mediaId = await upload(shard, alice, plain);
    expect(mediaId).toMatch(/^[A-Za-z0-9_-]{32}$/);
    const { body, headers } = await download(mediaId);
    expect((await bytesOf(body)).equals(plain)).toBe(true);
    expect(headers).toEqual({
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment',
      'Content-Length': String(size),
      'Content-Security-Policy': "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'private, no-store',
      'Accept-Ranges': 'none',
    });
    const row = await shard.db.read((tx) => tx.one<{ sha256: string }>(sql`SELECT sha256 FROM media`));
    expect(row?.sha256).toBe(createHash('sha256').update(plain).digest('hex'));
  });

  it('lies sealed on the disk, on top of its own encryption', async () => {
    const plain = randomBytes(1000);
    const mediaId = await upload(shard, alice, plain);
    expect((await readFile(pathOf(mediaId))).includes(plain.subarray(0, 16))).toBe(false);
  });

  it('passes through in pieces: 100 MB are never in memory, and neither side runs ahead of the other', async () => {
    const size = 100 * MEBI;
    const block = randomBytes(MEBI);
    let produced = 0;
    let written = 0;
    let lead = 0;
    let rss = process.memoryUsage().rss;
    const before = rss;
    const source = Readable.from((function* () {
      for (; produced < size; produced += MEBI) yield block;
    })(), { objectMode: false, highWaterMark: 65_536 });
    const watched: BlobStore = {
      ...shard.blobs,
      put: (name, content) => shard.blobs.put(name, (async function* () {
        for await (const chunk of content) {
          written += chunk.length;
          lead = Math.max(lead, produced - written);
          rss = Math.max(rss, process.memoryUsage().rss);
          yield chunk;
        }
      })()),
    };
    const deps = { ...shard, blobs: watched, maxUploadSize: size };
    const { content_uri } = await uploadMedia(deps, { session: alice, stream: source, contentType: undefined, contentLength: size });
    const { body } = await download(content_uri.slice(`mxc://${serverName}/`.length));
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of body) {
      read += chunk.length;
      hash.update(chunk);
      rss = Math.max(rss, process.memoryUsage().rss);
    }
    const expected = createHash('sha256');
    for (let i = 0; i < 100; i += 1) expected.update(block);
    expect(read).toBe(size);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
    expect(lead).toBeLessThan(4 * MEBI);
    // How much the engine takes before it collects depends on its version.
    expect(rss - before).toBeLessThan(size);
  });

  it('is read from the disk no faster than the client takes it', async () => {
    const deps = { ...shard, maxUploadSize: 20 * MEBI };
    const { content_uri } = await uploadMedia(deps, { session: alice, stream: Readable.from(randomBytes(10 * MEBI)), contentType: undefined, contentLength: undefined });
    let fromDisk = 0;
    let isOpen = true;
    const watched = async (name: string): Promise<SealedBlob> => {
      const blob = await shard.blobs.open(name);
      return {
        read: async (into) => {
          fromDisk += into.length;
          return blob.read(into);
        },
        close: async () => {
          isOpen = false;
          await blob.close();
        },
      };
    };
    const blobs = { ...shard.blobs, open: watched };
    const params = { serverName, mediaId: content_uri.slice(`mxc://${serverName}/`.length) };
    const { body } = await downloadMedia({ ...shard, blobs }, { session: alice, params });
    for await (const piece of body) {
      expect(piece.length).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      break;
    }
    expect(fromDisk).toBeLessThan(MEBI);
    expect(isOpen).toBe(false);
  });

  it('is refused when it is declared, or turns out, too large', async () => {
    const declared = uploadOf(Readable.from([]), { contentLength: 1_000_001 });
    await expect(declared).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' });
    const found = uploadOf(Readable.from([randomBytes(600_000), randomBytes(400_001)]));
    await expect(found).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' });
    await uploadOf(Readable.from([randomBytes(600_000), randomBytes(400_000)]));
    expect(await rowsThere()).toBe(1);
    expect((await filesThere()).length).toBe(1);
  });

  it.each(['text/plain', 'video/mp4', 'application/json', 'application/x-www-form-urlencoded'])('is refused as %s', async (contentType) => {
    await expect(uploadOf(Readable.from([randomBytes(100)]), { contentType })).rejects.toMatchObject({
      errcode: 'M_FORBIDDEN',
      message: 'Only encrypted attachments are accepted',
    });
  });

  it('is taken as octet-stream however that is written', async () => {
    await uploadOf(Readable.from([randomBytes(100)]), { contentType: 'Application/Octet-Stream; charset=binary' });
    expect(await rowsThere()).toBe(1);
  });

  it('is refused when it is a text or a picture, whole or from its first 64 KiB on', async () => {
    for (const content of ['a note in plain words '.repeat(5), 'a note in plain words '.repeat(9000)]) {
      await expect(uploadOf(Readable.from([Buffer.from(content)]))).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    }
    const picture = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(200_000)]);
    await expect(uploadOf(Readable.from([picture.subarray(0, 3), picture.subarray(3)]))).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(await filesThere()).toEqual([]);
    expect(await rowsThere()).toBe(0);
  });

  it('leaves the request open when it is refused, so that the refusal can be answered', async () => {
    const stream = new PassThrough();
    stream.write('a note in plain words '.repeat(4000));
    await expect(uploadOf(stream)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(stream.destroyed).toBe(false);
  });

  it('leaves nothing when the client goes away in the middle', async () => {
    const stream = new PassThrough();
    const uploading = uploadOf(stream);
    stream.write(randomBytes(200_000));
    setTimeout(() => stream.destroy(), 50);
    await expect(uploading).rejects.toThrow();
    expect(await filesThere()).toEqual([]);
    expect(await rowsThere()).toBe(0);
  });

  it('leaves nothing when the disk is full', async () => {
    const full = { ...shard, blobs: { ...shard.blobs, put: () => Promise.reject(new Error('ENOSPC')) } };
    const call = { session: alice, stream: Readable.from([randomBytes(500_000)]), contentType: undefined, contentLength: undefined };
    await expect(uploadMedia(full, call)).rejects.toThrow('ENOSPC');
    expect(await rowsThere()).toBe(0);
  });

  it('has one answer for what does not exist, is of another shard, or is not granted', async () => {
    const bob = await person(shard.db, 'bob', 200);
    const mediaId = await upload(shard, alice);
    const other = parseServerName('other.example');
    const asked = [{ serverName, mediaId: 'x'.repeat(32) }, { serverName: other, mediaId }, { serverName, mediaId }];
    const answers = await Promise.all([
      ...asked.map((params) => downloadMedia(shard, { session: bob, params }).catch((refusal: unknown) => refusal)),
      ...asked.map((params) => getThumbnail(shard, { session: bob, params, query: { width: 1, height: 1 } }).catch((refusal: unknown) => refusal)),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ errcode: 'M_NOT_FOUND', message: 'No such media', details: {} });
  });

  it.each([['the first', 100], ['a later', 200_000]])('breaks off at a byte changed in %s piece, never ending as if whole', async (_, at) => {
    const mediaId = await upload(shard, alice, randomBytes(300_000));
    const sealed = await readFile(pathOf(mediaId));
    sealed[at] = (sealed[at] ?? 0) ^ 1;
    await writeFile(pathOf(mediaId), sealed);
    const { body } = await download(mediaId);
    await expect(bytesOf(body)).rejects.toThrow('damaged');
  });

  it('breaks off when the file was cut, at a piece or anywhere', async () => {
    const mediaId = await upload(shard, alice, randomBytes(300_000));
    const sealed = await readFile(pathOf(mediaId));
    for (const length of [0, 24, 24 + 65_553, 24 + 2 * 65_553, sealed.length - 1]) {
      await writeFile(pathOf(mediaId), sealed.subarray(0, length));
      const { body } = await download(mediaId);
      await expect(bytesOf(body)).rejects.toThrow(/truncated|damaged|header/);
    }
  });

  it('does not answer with one blob for another whose file took its place', async () => {
    const [a, b] = [await upload(shard, alice), await upload(shard, alice)];
    await writeFile(pathOf(a), await readFile(pathOf(b)));
    await expect(bytesOf((await download(a)).body)).rejects.toThrow('damaged');
  });

  it('loses by the sweep what a crash left, a day later, and nothing else', async () => {
    const kept = await upload(shard, alice);
    const orphan = await upload(shard, alice);
    await shard.db.transaction((tx) => tx.run(sql`DELETE FROM media WHERE media_id = ${orphan}`));
    const half = `${pathOf(kept).slice(0, -8)}AAAAAAAA.part`;
    await writeFile(half, 'half');
    for (const path of [pathOf(kept), pathOf(orphan), half]) await utimes(path, shard.time.now / 1000, shard.time.now / 1000);
    shard.time.now += DAY - 1000;
    expect(await sweepBlobs(shard)).toBe(0);
    shard.time.now += 2000;
    expect(await sweepBlobs(shard)).toBe(2);
    expect(await filesThere()).toEqual([`${kept.slice(0, 2)}/${kept}`]);
    await bytesOf((await download(kept)).body);
  });

  it('stops the start under a media key that is not its own, or is not there, and makes none in its place', async () => {
    const key = (name: string): string => join(shard.folder, '..', name);
    const start = (name: string): Promise<unknown> => shardMediaKey(shard.db, key(name), randomBytes);
    await expect(start('stranger.key')).resolves.toBeDefined();
    await upload(shard, alice);
    await expect(start('media.key')).resolves.toEqual(shard.mediaKey);
    await expect(start('stranger.key')).rejects.toThrow('not the one');
    await expect(start('missing.key')).rejects.toThrow('is not there');
    await expect(stat(key('missing.key'))).rejects.toThrow('ENOENT');
  });
});

describe('the name of a download', () => {
  it.each([
    [undefined, 'attachment'],
    ['report.pdf', 'attachment; filename="report.pdf"'],
    ['a "b" \\ 100%.txt', `attachment; filename="a _b_ _ 100_.txt"; filename*=UTF-8''a%20%22b%22%20%5C%20100%25.txt`],
    ['résumé (1).pdf', `attachment; filename="r_sum_ (1).pdf"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%281%29.pdf`],
    ['📎.bin', `attachment; filename="_.bin"; filename*=UTF-8''%F0%9F%93%8E.bin`],
  ])('%j is told as %s', (fileName, header) => {
    expect(contentDisposition('attachment', fileName)).toBe(header);
  });
});

import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { Session } from '../auth/session.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { openShard, person, Room, serverName, upload, type Shard } from './fixture.testing.js';
import { showAvatar } from './granting.js';
import { setQuarantine } from './retention-store.js';
import { deleteIdle } from './retention.js';
import { getThumbnail } from './thumbnail.js';
import { createMedia, uploadAnnounced, uploadMedia } from './upload.js';

const HOUR = 3_600_000;
const picture = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#123' } }).png().toBuffer();

describe.each(engines)('media on $name', (engine) => {
  let shard: Shard;
  let alice: Session;
  let bob: Session;

  beforeEach(async () => {
    shard = await openShard(engine);
    [alice, bob] = [await person(shard.db, 'alice', 100), await person(shard.db, 'bob', 200)];
  });
  afterEach(() => shard.close());

  const filesThere = async (): Promise<number> => (await readdir(shard.folder, { recursive: true })).filter((name) => name.includes('/')).length;
  const rows = async (table: 'media' | 'media_usage'): Promise<readonly object[]> =>
    shard.db.read((tx) => tx.all<object>(table === 'media' ? sql`SELECT media_id FROM media` : sql`SELECT user_nid, bytes FROM media_usage ORDER BY user_nid`));
  const uploadPicture = async (who: Session): Promise<string> => {
    const call = { session: who, stream: Readable.from([picture]), contentType: 'image/png', contentLength: picture.length };
    return (await uploadMedia(shard, call)).content_uri.slice(`mxc://${serverName}/`.length);
  };
  const uploadSize = (who: Session, size: number, deps = shard): Promise<string> => upload(deps, who, randomBytes(size));

  it('that were never sent go after a day, with their blobs, and make room again (C10)', async () => {
    const room = await Room.open(shard.db, 1000, alice);
    const sent = await uploadSize(alice, 500);
    await room.send(alice, shard.time.now);
    await uploadSize(alice, 300);
    await uploadSize(bob, 200);
    expect(await rows('media_usage')).toEqual([{ user_nid: 0, bytes: 1000 }, { user_nid: 100, bytes: 800 }, { user_nid: 200, bytes: 200 }]);
    shard.time.now += 24 * HOUR;
    expect(await deleteIdle(shard)).toBe(0);
    shard.time.now += 1;
    expect(await deleteIdle(shard)).toBe(2);
    expect(await rows('media')).toEqual([{ media_id: sent }]);
    expect(await filesThere()).toBe(1);
    expect(await rows('media_usage')).toEqual([{ user_nid: 0, bytes: 500 }, { user_nid: 100, bytes: 500 }, { user_nid: 200, bytes: 0 }]);
  });

  it('that are in quarantine stay, and nobody is served one whose quarantine began after their leave was found', async () => {
    const mediaId = await uploadPicture(alice);
    const quarantine = () => shard.db.transaction((tx) => setQuarantine(tx, [mediaId], shard.time.now));
    // The picture is opened to be drawn smaller, between the leave and the answer.
    const blobs = { ...shard.blobs, open: async (name: string) => { await quarantine(); return shard.blobs.open(name); } };
    const call = { session: alice, params: { serverName, mediaId }, query: { width: 32, height: 32, method: 'crop' } } as const;
    await expect(getThumbnail({ ...shard, blobs }, call)).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    await expect(getThumbnail(shard, call)).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await shard.db.read((tx) => tx.all(sql`SELECT media_id FROM ledger_blobs`))).toEqual([]);
    shard.time.now += 48 * HOUR;
    expect(await deleteIdle(shard)).toBe(0);
    expect(await rows('media')).toEqual([{ media_id: mediaId }]);
  });

  it('that are pictures nobody shows go after an hour, with their thumbnails; shown ones stay (C10)', async () => {
    const [shown, kept] = [await uploadPicture(alice), await uploadPicture(alice)];
    await shard.db.transaction((tx) => showAvatar(tx, serverName, { userNid: alice.userNid, url: `mxc://${serverName}/${shown}`, now: shard.time.now }));
    for (const mediaId of [shown, kept]) {
      const { body } = await getThumbnail(shard, { session: alice, params: { serverName, mediaId }, query: { width: 32, height: 32, method: 'crop' } });
      await body.close();
    }
    expect(await filesThere()).toBe(4);
    shard.time.now += HOUR + 1;
    expect(await deleteIdle(shard)).toBe(1);
    expect(await rows('media')).toEqual([{ media_id: shown }]);
    expect(await filesThere()).toBe(2);
  });

  it('that were announced and never uploaded go after a day, in any number (C10)', async () => {
    await shard.db.transaction((tx) => tx.run(sql`
      INSERT INTO media (media_id, shard, class, uploader_nid, device_nid, created_ts, grants_until_ts, idle_since_ts)
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
      SELECT 'm' || i, ${serverName}, 'pending', ${alice.userNid}, ${alice.deviceNid}, ${shard.time.now}, 0, ${shard.time.now} FROM n`));
    shard.time.now += 24 * HOUR + 1;
    expect(await deleteIdle(shard)).toBe(450);
  });

  it('beyond the quota of a person, or of the shard, are refused with M_FORBIDDEN and leave nothing', async () => {
    const limited = { ...shard, quotas: { perUser: 1000, perShard: 1500 } };
    await uploadSize(alice, 900, limited);
    const declared = { session: alice, stream: Readable.from([randomBytes(200)]), contentType: undefined, contentLength: 200 };
    await expect(uploadMedia(limited, declared)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await expect(uploadSize(alice, 101, limited)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await uploadSize(bob, 600, limited);
    await expect(uploadSize(alice, 1, limited)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await expect(uploadSize(bob, 1, limited)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect([await filesThere(), (await rows('media')).length]).toEqual([2, 2]);
  });

  it('uploaded side by side do not outgrow a quota together', async () => {
    const limited = { ...shard, quotas: { perUser: 1000, perShard: 0 } };
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => uploadSize(alice, 400, limited)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(2);
    expect([await filesThere(), (await rows('media')).length]).toEqual([2, 2]);
  });

  it('when the disk is full are refused with a sentence, and nothing stays half-written', async () => {
    const blobs = {
      ...shard.blobs,
      put: (name: string, content: AsyncIterable<Uint8Array>) => shard.blobs.put(name, (async function* () {
        yield* content;
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      })()),
    };
    await expect(uploadSize(alice, 5000, { ...shard, blobs })).rejects.toMatchObject({ errcode: 'M_UNKNOWN', message: expect.stringContaining('full') });
    expect([await filesThere(), await rows('media')]).toEqual([0, []]);
    await uploadSize(alice, 5000);
  });

  describe('announced before', () => {
    const put = (mediaId: string, body: Buffer, who = alice, contentType?: string): Promise<object> =>
      uploadAnnounced(shard, { session: who, params: { serverName, mediaId }, stream: Readable.from([body]), contentType, contentLength: undefined });
    const announce = async (who = alice): Promise<string> => (await createMedia(shard, { session: who })).content_uri.slice(`mxc://${serverName}/`.length);

    it('and uploaded twice at once are one of the two', async () => {
      const mediaId = await announce();
      const outcomes = await Promise.allSettled([put(mediaId, randomBytes(1000)), put(mediaId, randomBytes(2000))]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { errcode: 'M_CANNOT_OVERWRITE_MEDIA' } });
      expect(await filesThere()).toBe(1);
    });

    it('are at most five at a time, and none once they are a day old', async () => {
      const first = await announce();
      for (let i = 0; i < 4; i += 1) await announce();
      await expect(announce()).rejects.toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', details: { body: { retry_after_ms: 24 * HOUR } } });
      await announce(bob);
      await put(first, randomBytes(100));
      const late = await announce();
      shard.time.now += 24 * HOUR;
      await expect(put(late, randomBytes(100))).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
      await announce();
    });

    it('and granted before they were uploaded, as pictures are granted to nobody', async () => {
      const room = await Room.open(shard.db, 1000, alice);
      const mediaId = await announce();
      await room.send(alice, shard.time.now);
      await put(mediaId, picture, alice, 'image/png');
      expect(await shard.db.read((tx) => tx.all(sql`SELECT media_id FROM media_grants`))).toEqual([]);
    });
  });
});

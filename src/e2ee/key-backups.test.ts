import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { parseRoomId } from '../matrix/identifiers.js';
import { engines } from '../storage/engines.testing.js';
import {
  deleteBackupKey,
  deleteBackupKeys,
  deleteBackupRoom,
  getBackupKey,
  getBackupKeys,
  getBackupRoom,
  putBackupKey,
  putBackupKeys,
  putBackupRoom,
} from './backup-keys.js';
import { createBackup, deleteBackup, getBackup, getNewestBackup, updateBackup } from './key-backups.js';
import { openShard, read, type TestShard } from './shard.testing.js';

const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2';
const [room, other] = [parseRoomId('!a:shard.example'), parseRoomId('!b:shard.example')];

function key(data: string, better: { is_verified?: boolean; first_message_index?: number; forwarded_count?: number } = {}) {
  return { first_message_index: 10, forwarded_count: 5, is_verified: false, session_data: { ciphertext: data }, ...better };
}

describe.each(engines)('key backups on $name', (engine) => {
  let shard: TestShard;
  let session: Session;
  beforeEach(async () => {
    shard = await openShard(engine);
    session = await shard.session('alice', 'PHONE');
  });
  afterEach(() => shard.drop());

  const create = async () => createBackup(shard, { session, body: { algorithm, auth_data: { public_key: 'p' } } });
  const newest = async () => read(await getNewestBackup(shard, { session }));
  const put = (rooms: Parameters<typeof putBackupKeys>[1]['body']['rooms'], version = '1') => putBackupKeys(shard, { session, query: { version }, body: { rooms } });
  const all = async (version = '1') => read(await getBackupKeys(shard, { session, query: { version } }));

  it('answers 404 M_NOT_FOUND until there is a backup, then describes it', async () => {
    await expect(newest()).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await create()).toEqual({ version: '1' });
    const backup = { version: '1', algorithm, auth_data: { public_key: 'p' }, etag: '0', count: 0 };
    expect(await newest()).toEqual(backup);
    expect(read(await getBackup(shard, { session, params: { version: '1' } }))).toEqual(backup);
    await expect(getBackup(shard, { session, params: { version: '2' } })).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    await expect(getBackup(shard, { session, params: { version: 'x' } })).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('changes what the backup says of itself, but neither algorithm nor version', async () => {
    await create();
    const update = (body: Parameters<typeof updateBackup>[1]['body']) => updateBackup(shard, { session, params: { version: '1' }, body });
    expect(await update({ algorithm, auth_data: { public_key: 'q' }, version: '1' })).toEqual({});
    expect(await newest()).toMatchObject({ auth_data: { public_key: 'q' } });
    await expect(update({ algorithm: 'other', auth_data: {} })).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
    await expect(update({ algorithm, auth_data: {}, version: '2' })).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
  });

  it('falls back to the previous backup when the newest is deleted, and gives no version twice', async () => {
    await create();
    await create();
    await put({ [room]: { sessions: { s: key('x') } } }, '2');
    expect(await deleteBackup(shard, { session, params: { version: '2' } })).toEqual({});
    expect(await deleteBackup(shard, { session, params: { version: '2' } })).toEqual({});
    expect(await newest()).toMatchObject({ version: '1', count: 0 });
    await expect(all('2')).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    await deleteBackup(shard, { session, params: { version: '1' } });
    await expect(newest()).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    await expect(deleteBackup(shard, { session, params: { version: '3' } })).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await create()).toEqual({ version: '3' });
  });

  it('stores and gives back keys, all of them, of a room, or one', async () => {
    await create();
    const query = { version: '1' };
    expect(await all()).toEqual({ rooms: {} });
    expect(await put({ [room]: { sessions: { s1: key('1'), s2: key('2') } } })).toEqual({ etag: '1', count: 2 });
    expect(await putBackupRoom(shard, { session, query, params: { roomId: other }, body: { sessions: { s3: key('3') } } })).toEqual({ etag: '2', count: 3 });
    expect(await putBackupKey(shard, { session, query, params: { roomId: other, sessionId: 's4' }, body: key('4') })).toEqual({ etag: '3', count: 4 });
    expect(await all()).toEqual({ rooms: { [room]: { sessions: { s1: key('1'), s2: key('2') } }, [other]: { sessions: { s3: key('3'), s4: key('4') } } } });
    expect(read(await getBackupRoom(shard, { session, query, params: { roomId: room } }))).toEqual({ sessions: { s1: key('1'), s2: key('2') } });
    expect(read(await getBackupRoom(shard, { session, query, params: { roomId: parseRoomId('!c:d') } }))).toEqual({ sessions: {} });
    expect(read(await getBackupKey(shard, { session, query, params: { roomId: other, sessionId: 's4' } }))).toEqual(key('4'));
    await expect(getBackupKey(shard, { session, query, params: { roomId: room, sessionId: 's4' } })).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('takes a batch of 200 keys at once', async () => {
    await create();
    const sessions = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`s${i}`, key(String(i))]));
    expect(await put({ [room]: { sessions } })).toEqual({ etag: '1', count: 200 });
    expect(await put({ [room]: { sessions } })).toEqual({ etag: '1', count: 200 });
  });

  it('deletes one key, a room, all', async () => {
    await create();
    const query = { version: '1' };
    await put({ [room]: { sessions: { s1: key('1'), s2: key('2') } }, [other]: { sessions: { s3: key('3'), s4: key('4') } } });
    expect(await deleteBackupKey(shard, { session, query, params: { roomId: room, sessionId: 's1' } })).toEqual({ etag: '2', count: 3 });
    expect(await deleteBackupRoom(shard, { session, query, params: { roomId: other } })).toEqual({ etag: '3', count: 1 });
    expect(await deleteBackupKeys(shard, { session, query })).toEqual({ etag: '4', count: 0 });
    expect(await deleteBackupKeys(shard, { session, query })).toEqual({ etag: '4', count: 0 });
  });

  it('refuses keys for a backup that was replaced, naming the current one', async () => {
    await create();
    await create();
    await expect(put({ [room]: { sessions: { s: key('x') } } })).rejects.toMatchObject({
      errcode: 'M_WRONG_ROOM_KEYS_VERSION',
      details: { body: { current_version: '2' } },
    });
    await expect(put({}, '7')).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    await expect(put({ nonsense: { sessions: {} } }, '2')).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
  });

  it.each([
    ['a verified key over an unverified one', { is_verified: true, first_message_index: 99 }, true],
    ['a key from an earlier message', { first_message_index: 9, forwarded_count: 99 }, true],
    ['a key forwarded less often', { forwarded_count: 4 }, true],
    ['no key from a later message', { first_message_index: 11, forwarded_count: 0 }, false],
    ['no key forwarded more often', { forwarded_count: 6 }, false],
    ['no equal key', {}, false],
  ])('keeps %s', async (_, better, isReplaced) => {
    await create();
    await put({ [room]: { sessions: { s: key('old') } } });
    expect(await put({ [room]: { sessions: { s: key('new', better) } } })).toEqual({ etag: isReplaced ? '2' : '1', count: 1 });
    expect(await all()).toMatchObject({ rooms: { [room]: { sessions: { s: { session_data: { ciphertext: isReplaced ? 'new' : 'old' } } } } } });
  });

  it('keeps people’s backups apart', async () => {
    await create();
    const stranger = await shard.session('bob', 'LAPTOP');
    await expect(getBackup(shard, { session: stranger, params: { version: '1' } })).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Answer, Person } from './harness.js';
import { shardOfThree } from './shard-of-three.js';

const V3 = '/_matrix/client/v3';
const { shard, alice, bob, carol: stranger } = await shardOfThree();
const roomId = await shard.createRoom(alice, [bob]);

const path = (userId: string, field?: string): string => `${V3}/profile/${encodeURIComponent(userId)}${field === undefined ? '' : `/${encodeURIComponent(field)}`}`;
const get = (viewer: Person, userId: string, field?: string): Promise<Answer<Record<string, unknown>>> => shard.request('GET', path(userId, field), { token: viewer.token });
const set = (who: Person, field: string, body: object, userId = who.userId): Promise<Answer<object>> => shard.request('PUT', path(userId, field), { token: who.token, body });

describe('Profiles', () => {
  it('a user may set their own name and picture, and read them', async () => {
    expect((await get(alice, alice.userId)).body).toEqual({});
    expect((await set(alice, 'displayname', { displayname: 'Alice Ünlü' })).body).toEqual({});
    expect((await set(alice, 'avatar_url', { avatar_url: 'mxc://localhost/picture' })).status).toBe(200);
    expect((await get(alice, alice.userId)).body).toEqual({ displayname: 'Alice Ünlü', avatar_url: 'mxc://localhost/picture' });
    expect((await get(alice, alice.userId, 'displayname')).body).toEqual({ displayname: 'Alice Ünlü' });
  });

  it('on a change of display name or avatar URL the server sends an m.room.member event to each room the user is joined to', async () => {
    await set(bob, 'displayname', { displayname: 'Bob' });
    const { body } = await shard.request('GET', `${V3}/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}`, { token: alice.token });
    expect(body).toMatchObject({ membership: 'join', displayname: 'Bob' });
  });

  it('is shown to people one shares a room with', async () => {
    await set(alice, 'displayname', { displayname: 'Alice' });
    expect((await get(bob, alice.userId, 'displayname')).body).toEqual({ displayname: 'Alice' });
  });

  it('strangers are like people who do not exist: one answer, on every field (D3)', async () => {
    await set(stranger, 'displayname', { displayname: 'Stranger' });
    const told = async (userId: string, field?: string): Promise<object> => {
      const { status, headers, text } = await get(alice, userId, field);
      return { status, text, type: headers['content-type'], length: headers['content-length'] };
    };
    for (const field of [undefined, 'displayname', 'avatar_url', 'm.tz']) {
      const missing = await told('@nobody:localhost', field);
      expect(missing).toMatchObject({ status: 404, text: expect.stringContaining('"M_NOT_FOUND"') });
      for (const userId of [stranger.userId, '@nobody:elsewhere.example']) expect(await told(userId, field)).toEqual(missing);
    }
  });

  it('who is invited sees those inside, until they refuse; the inviter learns no profile before the join (D5)', async () => {
    const invitee = await shard.register();
    await set(invitee, 'displayname', { displayname: 'Invitee' });
    const act = (who: Person, action: string, body: object): Promise<unknown> =>
      shard.request('POST', `${V3}/rooms/${encodeURIComponent(roomId)}/${action}`, { token: who.token, body });
    const seen = async (): Promise<readonly number[]> => [(await get(invitee, alice.userId)).status, (await get(alice, invitee.userId)).status];
    await act(alice, 'invite', { user_id: invitee.userId });
    expect(await seen()).toEqual([200, 404]);
    await act(invitee, 'leave', {});
    expect(await seen()).toEqual([404, 404]);
    await act(alice, 'invite', { user_id: invitee.userId });
    await act(invitee, 'join', {});
    expect(await seen()).toEqual([200, 200]);
  });

  it('needs a token, and takes changes from nobody else', async () => {
    expect((await shard.request('GET', path(alice.userId))).status).toBe(401);
    expect(await set(bob, 'displayname', { displayname: 'Not Alice' }, alice.userId)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await shard.request('DELETE', path(alice.userId, 'displayname'), { token: bob.token })).status).toBe(403);
    expect((await get(alice, alice.userId, 'displayname')).body).toEqual({ displayname: 'Alice' });
  });

  it('custom fields: namespaced, any JSON, at most 64 KiB all together', async () => {
    await set(alice, 'm.tz', { 'm.tz': 'Europe/Berlin' });
    await set(alice, 'org.example.job', { 'org.example.job': { title: 'Clerk', floors: [1, null, true] } });
    expect((await get(bob, alice.userId)).body).toMatchObject({ 'm.tz': 'Europe/Berlin', 'org.example.job': { title: 'Clerk', floors: [1, null, true] } });
    for (const [field, body] of [['org.example.job', {}], ['job', { job: 1 }], ['Org.Example', { 'Org.Example': 1 }], ['m.tz', { 'm.tz': 5 }]] as const) {
      expect((await shard.request('PUT', path(alice.userId, field), { token: alice.token, body, malformed: true })).status).toBe(400);
    }
    const long = `org.example.${'x'.repeat(243)}`;
    expect((await set(alice, long, { [long]: 1 })).status).toBe(200);
    expect((await shard.request('DELETE', path(alice.userId, long), { token: alice.token })).status).toBe(200);
    expect(await set(alice, `${long}y`, { [`${long}y`]: 1 })).toMatchObject({ status: 400, body: { errcode: 'M_KEY_TOO_LARGE' } });
    const large = { 'org.example.large': 'x'.repeat(60_000) };
    expect((await set(alice, 'org.example.large', large)).status).toBe(200);
    expect(await set(alice, 'org.example.more', { 'org.example.more': 'x'.repeat(6_000) })).toMatchObject({ status: 400, body: { errcode: 'M_PROFILE_TOO_LARGE' } });
    expect((await shard.request('DELETE', path(alice.userId, 'org.example.large'), { token: alice.token })).body).toEqual({});
    expect((await get(alice, alice.userId, 'org.example.large')).status).toBe(404);
  });

  it.each([
    ['displayname', 'x'.repeat(256)], ['displayname', 5], ['avatar_url', 'https://example.org/a.png'], ['avatar_url', 'mxc://localhost/../x'], ['avatar_url', `mxc://localhost/${'x'.repeat(1000)}`],
  ])('refuses %s of %j', async (field, value) => {
    const call = { token: alice.token, body: { [field]: value }, malformed: true };
    expect(await shard.request('PUT', path(alice.userId, field), call)).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  });

  it('a name is taken back by an empty one or by DELETE', async () => {
    const carol = await shard.register();
    for (const takeBack of [() => set(carol, 'displayname', { displayname: '' }), () => shard.request('DELETE', path(carol.userId, 'displayname'), { token: carol.token })]) {
      await set(carol, 'displayname', { displayname: 'Carol' });
      expect((await takeBack()).status).toBe(200);
      expect((await get(carol, carol.userId)).body).toEqual({});
    }
  });

  it('answers under /r0 and the unstable prefix alike', async () => {
    for (const prefix of ['/_matrix/client/r0', '/_matrix/client/unstable/uk.tcpip.msc4133']) {
      expect((await shard.request('GET', `${prefix}/profile/${encodeURIComponent(alice.userId)}/displayname`, { token: alice.token })).body).toEqual({ displayname: 'Alice' });
    }
  });
});

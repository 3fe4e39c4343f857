import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { authenticate } from '../auth/authenticate.js';
import { from, makePerson, refusalOf, testDeps, type TestDeps } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { findWaiting } from '../auth/sessions-store.js';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { isLocked, isSuspended, lockUser, suspendUser, whoIs } from './moderation.js';

describe.each(engines)('moderation of accounts on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  let root: Session;
  let alice: Session & { token: string };
  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
    const { token, userNid } = await makePerson(deps, 'root');
    await test.db.transaction((tx) => tx.run(sql`UPDATE users SET is_admin = 1 WHERE user_nid = ${userNid}`));
    [root, alice] = [await authenticate(deps, `Bearer ${token}`, from), await makePerson(deps, 'alice')];
  });
  afterEach(() => test.drop());

  it('locks and unlocks, and tells who waits', async () => {
    const heard: string[] = [];
    test.db.listen({ heard: ({ topics }) => { heard.push(...topics); }, lost: () => undefined });
    await lockUser(deps, { session: root, params: alice, body: { locked: true } });
    expect(await isLocked(deps, { session: root, params: alice })).toEqual({ locked: true });
    expect(await test.db.read((tx) => findWaiting(tx, alice))).toEqual({ is_locked: 1 });
    expect(await refusalOf(authenticate(deps, `Bearer ${alice.token}`, from))).toMatchObject({ errcode: 'M_USER_LOCKED' });
    expect(await authenticate(deps, `Bearer ${alice.token}`, { ...from, evenLocked: true })).toMatchObject({ userId: alice.userId });
    await lockUser(deps, { session: root, params: alice, body: { locked: false } });
    expect(await authenticate(deps, `Bearer ${alice.token}`, from)).toMatchObject({ userId: alice.userId });
    while (!heard.includes(`ownDevices/${alice.userNid}`)) await new Promise((resolve) => { setTimeout(resolve, 5); });
  });

  it('suspends and lifts it, from the next request on', async () => {
    await suspendUser(deps, { session: root, params: alice, body: { suspended: true } });
    expect(await isSuspended(deps, { session: root, params: alice })).toEqual({ suspended: true });
    expect(await authenticate(deps, `Bearer ${alice.token}`, from)).toMatchObject({ isSuspended: true });
    await suspendUser(deps, { session: root, params: alice, body: { suspended: false } });
    expect(await authenticate(deps, `Bearer ${alice.token}`, from)).toMatchObject({ isSuspended: false });
  });

  it('lists the devices of one person only', async () => {
    expect(await whoIs(deps, { session: root, params: alice })).toEqual({
      user_id: alice.userId,
      devices: { [alice.deviceId]: { sessions: [{ connections: [{ ip: '192.0.2.1', last_seen: 1_000_000 }] }] } },
    });
    await authenticate({ ...deps, clock: () => 5_000_000 }, `Bearer ${alice.token}`, { ip: '192.0.2.9', userAgent: `Element ${'x'.repeat(300)}` });
    expect(await whoIs(deps, { session: root, params: alice })).toMatchObject({
      devices: { [alice.deviceId]: { sessions: [{ connections: [{ ip: '192.0.2.9', last_seen: 5_000_000, user_agent: `Element ${'x'.repeat(247)}` }] }] } },
    });
  });
});

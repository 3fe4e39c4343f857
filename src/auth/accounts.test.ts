import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import type { AccountObserver } from './account-observer.js';
import { authenticate } from './authenticate.js';
import { changePassword } from './change-password.js';
import { deactivateAccount } from './deactivate.js';
import { deleteDevice, type DeviceObserver } from './devices.js';
import { changingMeanwhile, from, makePerson, makeSession, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import type { Session } from './session.js';
import { findUser } from './users-store.js';

describe.each(engines)('accounts on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps & { deviceObserver: DeviceObserver; accountObservers: readonly AccountObserver[] };
  let alice: Session & { token: string };
  let phone: Session & { token: string };

  beforeEach(async () => {
    test = await engine.open();
    deps = { ...testDeps(test.db), deviceObserver: { devicesChanged: async () => undefined }, accountObservers: [] };
    alice = await makePerson(deps, 'alice');
    phone = await makeSession(deps, alice.userNid);
  });
  afterEach(() => test.drop());

  const auth = { type: 'm.login.password', user: 'alice', password: "alice's password" };
  const isAlive = async ({ token }: { token: string }): Promise<boolean> => authenticate(deps, `Bearer ${token}`, from).then(() => true, () => false);

  it('a new password ends the other sessions, and only them', async () => {
    const bob = await makePerson(deps, 'bob');
    await changePassword(deps, { session: alice, body: { new_password: 'new', auth } });
    expect([await isAlive(alice), await isAlive(phone), await isAlive(bob)]).toEqual([true, false, true]);
  });

  it('what a password was given for is refused to who gave it before it was changed elsewhere', async () => {
    const late = { ...deps, passwords: changingMeanwhile(deps, sql`UPDATE users SET password_hash = '$argon2id$new'`) };
    const refused = { errcode: 'M_FORBIDDEN', message: 'Your account was changed on another device just now' };
    for (const ask of [
      () => changePassword(late, { session: alice, body: { new_password: 'mine now', auth } }),
      () => deactivateAccount(late, { session: alice, body: { auth } }),
      () => deleteDevice(late, { session: alice, params: { deviceId: phone.deviceId }, body: { auth } }),
    ]) {
      const { user_nid: nid, password_hash: before } = await deps.db.read((tx) => findUser(tx, alice.userId)) ?? { user_nid: 0, password_hash: '' };
      expect(await refusalOf(ask())).toEqual(refused);
      await deps.db.transaction((tx) => tx.run(sql`UPDATE users SET password_hash = ${before} WHERE user_nid = ${nid} AND password_hash = '$argon2id$new'`));
    }
    expect([await isAlive(alice), await isAlive(phone)]).toEqual([true, true]);
    await changePassword(deps, { session: alice, body: { new_password: 'new', auth } });
  });

  it('an account that cannot leave a room is not closed at all', async () => {
    const accountObservers = [{ accountClosed: async () => Promise.reject(new Error('the room is stuck')) }];
    await expect(deactivateAccount({ ...deps, accountObservers }, { session: alice, body: { auth } })).rejects.toThrow('the room is stuck');
    expect(await isAlive(alice)).toBe(true);
  });

  it('a closed account has no session, and keeps its password only when it is not erased', async () => {
    expect(await refusalOf(deactivateAccount(deps, { session: alice, body: {} }))).toMatchObject({ status: 401 });
    await deactivateAccount(deps, { session: phone, body: { auth } });
    expect([await isAlive(alice), await isAlive(phone)]).toEqual([false, false]);
    const bob = await makePerson(deps, 'bob');
    await deactivateAccount(deps, { session: bob, body: { auth: { ...auth, user: 'bob', password: "bob's password" }, erase: true } });
    const [a, b] = await deps.db.read((tx) => Promise.all([findUser(tx, alice.userId), findUser(tx, bob.userId)]));
    expect(a).toMatchObject({ is_deactivated: 1, password_hash: expect.any(String) });
    expect(b).toMatchObject({ is_deactivated: 1, password_hash: null });
  });
});

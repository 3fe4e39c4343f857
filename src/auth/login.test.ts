import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { authenticate } from './authenticate.js';
import { logIn, type LoginBody } from './login.js';
import { logOut, logOutEverywhere } from './logout.js';
import { changingMeanwhile, from, makeAccount, makePerson, makeSession, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import type { TypeOf } from '../matrix/schema.js';

describe.each(engines)('logging in and out on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  const quiet = { devicesChanged: async (): Promise<void> => undefined };

  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
  });
  afterEach(() => test.drop());

  function logInAs(more: Partial<TypeOf<typeof LoginBody>>): Promise<Record<string, string>> {
    const body = { type: 'm.login.password', password: "alice's password", ...more };
    return logIn(deps, { body, ip: '192.0.2.7' }) as Promise<Record<string, string>>;
  }

  it('takes a localpart, a whole id and the old "user", in capitals or not', async () => {
    const userNid = await makeAccount(deps, 'alice');
    for (const naming of [
      { identifier: { type: 'm.id.user', user: 'alice' } },
      { identifier: { type: 'm.id.user', user: 'Alice' } },
      { identifier: { type: 'm.id.user', user: '@ALICE:shard.example' } },
      { user: 'alice' },
    ]) {
      const answer = await logInAs(naming);
      expect(answer).toMatchObject({ user_id: '@alice:shard.example', home_server: 'shard.example' });
      expect(answer['device_id']).toMatch(/^[A-Z]{10}$/);
      expect(await authenticate(deps, `Bearer ${answer['access_token']}`, from)).toMatchObject({ userNid, deviceId: answer['device_id'], isAdmin: false });
    }
  });

  it('keeps no token, only its hash', async () => {
    await makeAccount(deps, 'alice');
    const { access_token: token = '' } = await logInAs({ user: 'alice' });
    const stored = await deps.db.read((tx) => tx.all<{ token_hash: string }>(sql`SELECT token_hash FROM access_tokens`));
    expect(token).toMatch(/^cls_[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(stored)).not.toContain(token.slice(4));
  });

  it('uses a device again: the old token dies, the name stays', async () => {
    await makeAccount(deps, 'alice');
    const first = await logInAs({ user: 'alice', device_id: 'PHONE', initial_device_display_name: 'My phone' });
    const second = await logInAs({ user: 'alice', device_id: 'PHONE', initial_device_display_name: 'Another' });
    expect(await refusalOf(authenticate(deps, `Bearer ${first['access_token']}`, from))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    expect(await authenticate(deps, `Bearer ${second['access_token']}`, from)).toMatchObject({ deviceId: 'PHONE' });
    const rows = await deps.db.read((tx) => tx.all(sql`SELECT device_id, display_name FROM devices`));
    expect(rows).toEqual([{ device_id: 'PHONE', display_name: 'My phone' }]);
  });

  it('refuses a wrong password, a stranger and an e-mail address with the same words', async () => {
    await makeAccount(deps, 'alice');
    const refusal = await refusalOf(logInAs({ user: 'alice', password: 'wrong' }));
    expect(refusal).toEqual({ errcode: 'M_FORBIDDEN', message: 'Wrong user name or password' });
    expect(await refusalOf(logInAs({ user: 'nobody' }))).toEqual(refusal);
    expect(await refusalOf(logInAs({ user: '@alice:elsewhere.example' }))).toEqual(refusal);
    expect(await refusalOf(logInAs({ identifier: { type: 'm.id.thirdparty' } }))).toEqual(refusal);
  });

  it.each([
    ['another password', sql`UPDATE users SET password_hash = '$argon2id$new'`],
    ['a lock', sql`UPDATE users SET is_locked = 1`],
    ['its end', sql`UPDATE users SET is_deactivated = 1`],
  ])('opens no session of an account that came to %s while its password was looked at', async (_, change) => {
    await makeAccount(deps, 'alice');
    deps = { ...deps, passwords: changingMeanwhile(deps, change) };
    expect(await refusalOf(logInAs({ user: 'alice' }))).toEqual({ errcode: 'M_FORBIDDEN', message: 'Wrong user name or password' });
    expect(await deps.db.read((tx) => tx.all(sql`SELECT device_id FROM devices`))).toEqual([]);
  });

  it('says that an account is deactivated or locked only to who knows its password', async () => {
    await makeAccount(deps, 'alice');
    await deps.db.transaction((tx) => tx.run(sql`UPDATE users SET is_deactivated = 1`));
    expect(await refusalOf(logInAs({ user: 'alice' }))).toMatchObject({ errcode: 'M_USER_DEACTIVATED' });
    expect(await refusalOf(logInAs({ user: 'alice', password: 'wrong' }))).toMatchObject({ errcode: 'M_FORBIDDEN' });
    await deps.db.transaction((tx) => tx.run(sql`UPDATE users SET is_deactivated = 0, is_locked = 1`));
    expect(await refusalOf(logInAs({ user: 'alice' }))).toMatchObject({ errcode: 'M_USER_LOCKED' });
    expect(await refusalOf(logInAs({ user: 'alice', password: 'wrong' }))).toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  it('refuses what is not a password login', async () => {
    expect(await refusalOf(logInAs({ type: 'm.login.token', user: 'alice' }))).toMatchObject({ errcode: 'M_UNKNOWN', status: 400 });
    expect(await refusalOf(logInAs({}))).toMatchObject({ errcode: 'M_MISSING_PARAM' });
  });

  it('ends one session, or all, with their devices', async () => {
    const first = await makePerson(deps, 'alice');
    const second = await makeSession(deps, first.userNid);
    const third = await makeSession(deps, first.userNid);
    const other = await makePerson(deps, 'bob');
    await logOut({ db: deps.db, deviceObserver: quiet }, { session: first });
    expect(await refusalOf(authenticate(deps, `Bearer ${first.token}`, from))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    expect(await authenticate(deps, `Bearer ${second.token}`, from)).toMatchObject({ userId: '@alice:shard.example' });
    await logOutEverywhere({ db: deps.db, deviceObserver: quiet }, { session: second });
    for (const { token } of [second, third]) {
      expect(await refusalOf(authenticate(deps, `Bearer ${token}`, from))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    }
    expect(await authenticate(deps, `Bearer ${other.token}`, from)).toMatchObject({ userId: '@bob:shard.example' });
  });

  it('notes once an hour when and from where a device was used', async () => {
    const { token } = await makePerson(deps, 'alice');
    const seen = async (afterMs: number, ip: string): Promise<unknown> => {
      await authenticate(testDeps(test.db, deps.clock() + afterMs), `Bearer ${token}`, { ip });
      return deps.db.read((tx) => tx.one(sql`SELECT last_seen_ts, last_seen_ip FROM devices`));
    };
    expect(await seen(3_599_999, '192.0.2.2')).toEqual({ last_seen_ts: 1_000_000, last_seen_ip: '192.0.2.1' });
    expect(await seen(3_600_000, '192.0.2.3')).toEqual({ last_seen_ts: 4_600_000, last_seen_ip: '192.0.2.3' });
  });

  it('asks for a token in the header, and for one that lives', async () => {
    const { token } = await makePerson(deps, 'alice');
    for (const header of [undefined, '', 'Bearer', 'Bearer ', `Basic ${token}`, token]) {
      expect(await refusalOf(authenticate(deps, header, from))).toMatchObject({ errcode: 'M_MISSING_TOKEN' });
    }
    expect(await refusalOf(authenticate(deps, `Bearer ${token}x`, from))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    await deps.db.transaction((tx) => tx.run(sql`UPDATE users SET is_locked = 1`));
    expect(await refusalOf(authenticate(deps, `Bearer ${token}`, from))).toMatchObject({ errcode: 'M_USER_LOCKED', body: { soft_logout: true } });
  });
});

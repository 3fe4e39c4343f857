import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { TypeOf } from '../matrix/schema.js';
import { parseUserId } from '../matrix/identifiers.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { authenticate } from './authenticate.js';
import { logIn } from './login.js';
import { from, makeAccount, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import { isAvailable, register, type RegisterBody } from './register.js';
import { ensureUser, findUser } from './users-store.js';

describe.each(engines)('registration on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps & { registrationIsOpen: boolean; registrationNeedsToken: boolean };

  beforeEach(async () => {
    test = await engine.open();
    deps = { ...testDeps(test.db), registrationIsOpen: true, registrationNeedsToken: false };
  });
  afterEach(() => test.drop());

  const dummy = { type: 'm.login.dummy' };
  function registerAs(body: TypeOf<typeof RegisterBody>): Promise<Record<string, string>> {
    return register(deps, { query: {}, body, ip: '192.0.2.7' }) as Promise<Record<string, string>>;
  }

  it('is refused while closed, and tells nobody who exists', async () => {
    await makeAccount(deps, 'alice');
    deps = { ...deps, registrationIsOpen: false };
    const refusal = await refusalOf(registerAs({ username: 'alice', password: 'p', auth: dummy }));
    expect(refusal.errcode).toBe('M_FORBIDDEN');
    expect(await refusalOf(registerAs({ username: 'bob', password: 'p', auth: dummy }))).toEqual(refusal);
    expect(await refusalOf(isAvailable(deps, { query: { username: 'alice' } }))).toEqual(refusal);
    expect(await refusalOf(isAvailable(deps, { query: { username: 'bob' } }))).toEqual(refusal);
  });

  it('has no guests', async () => {
    const guest = register(deps, { query: { kind: 'guest' }, body: {}, ip: '' });
    expect(await refusalOf(guest)).toMatchObject({ errcode: 'M_GUEST_ACCESS_FORBIDDEN' });
  });

  it('makes an account in two steps, with a session', async () => {
    const first = await refusalOf(registerAs({}));
    expect(first).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.dummy'] }], params: {}, completed: [] } });
    const { session } = first.body as { session: string };
    const made = await registerAs({ username: 'Alice', password: 'p', device_id: 'DESK', auth: { ...dummy, session } });
    expect(made).toMatchObject({ user_id: '@alice:shard.example', home_server: 'shard.example', device_id: 'DESK' });
    expect(await authenticate(deps, `Bearer ${made['access_token']}`, from)).toMatchObject({ userId: '@alice:shard.example', isAdmin: false });
    expect(await logIn(deps, { body: { type: 'm.login.password', user: 'alice', password: 'p' }, ip: '' })).toMatchObject({ user_id: '@alice:shard.example' });
  });

  it('gives no session to who inhibits it, and a name to who brings none', async () => {
    const made = await registerAs({ password: 'p', inhibit_login: true, auth: dummy });
    expect(Object.keys(made).sort()).toEqual(['home_server', 'user_id']);
    expect(made['user_id']).toMatch(/^@u[0-9a-f]{16}:shard\.example$/);
  });

  it('refuses names that are taken or malformed before asking for more', async () => {
    await makeAccount(deps, 'alice');
    for (const username of ['alice', 'ALICE']) {
      expect(await refusalOf(registerAs({ username, password: 'p' }))).toMatchObject({ errcode: 'M_USER_IN_USE' });
      expect(await refusalOf(isAvailable(deps, { query: { username } }))).toMatchObject({ errcode: 'M_USER_IN_USE' });
    }
    for (const username of ['', 'a b', '@alice:shard.example', 'élise', 'a:b', '\u212Aelvin', 'x'.repeat(250)]) {
      expect(await refusalOf(registerAs({ username, password: 'p' }))).toMatchObject({ errcode: 'M_INVALID_USERNAME' });
      expect(await refusalOf(isAvailable(deps, { query: { username } }))).toMatchObject({ errcode: 'M_INVALID_USERNAME' });
    }
    expect(await isAvailable(deps, { query: { username: 'bob' } })).toEqual({ available: true });
  });

  it('gives one name to one of two who ask at once', async () => {
    const both = await Promise.allSettled(['p', 'q'].map((password) => registerAs({ username: 'alice', password, auth: dummy })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('makes an id that was only named into an account, under the same key', async () => {
    const userId = parseUserId('@alice:shard.example');
    const named = await deps.db.transaction((tx) => ensureUser(tx, userId, 1));
    expect(await deps.db.transaction((tx) => ensureUser(tx, userId, 2))).toBe(named);
    await registerAs({ username: 'alice', password: 'p', auth: dummy });
    expect(await deps.db.read((tx) => findUser(tx, userId))).toMatchObject({ user_nid: named, is_account: 1, is_admin: 0 });
  });
});

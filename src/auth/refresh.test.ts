import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { authenticate } from './authenticate.js';
import { logIn } from './login.js';
import { from, makeAccount, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import { refreshTokens } from './refresh.js';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

describe.each(engines)('refresh tokens on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
    await makeAccount(deps, 'alice');
  });
  afterEach(() => test.drop());

  const login = (): Promise<Tokens> =>
    logIn(deps, { ...from, body: { type: 'm.login.password', user: 'alice', password: "alice's password", refresh_token: true } }) as Promise<Tokens>;
  const refresh = ({ refresh_token }: Tokens, now = deps.clock()): Promise<Tokens> =>
    refreshTokens({ ...deps, clock: () => now }, { body: { refresh_token } }) as Promise<Tokens>;
  const use = ({ access_token }: Tokens): Promise<object> => authenticate(deps, `Bearer ${access_token}`, from);
  const kept = async (): Promise<readonly number[]> => {
    const [access, renewing] = await test.db.read((tx) =>
      Promise.all([tx.all(sql`SELECT token_hash FROM access_tokens`), tx.all(sql`SELECT token_hash FROM refresh_tokens`)]));
    return [access.length, renewing.length];
  };

  it('a session renewed again and again keeps no more than its last tokens', async () => {
    let tokens = await login();
    for (let i = 0; i < 10; i += 1) {
      tokens = await refresh(tokens);
      await use(tokens);
    }
    expect(await kept()).toEqual([2, 2]);
  });

  it('answers lost on the way leave nothing behind', async () => {
    const tokens = await login();
    for (let i = 0; i < 10; i += 1) await refresh(tokens);
    expect(await kept()).toEqual([2, 2]);
  });

  it('a locked account renews nothing, and its tokens stay', async () => {
    const tokens = await login();
    await test.db.transaction((tx) => tx.run(sql`UPDATE users SET is_locked = 1`));
    expect(await refusalOf(refresh(tokens))).toMatchObject({ errcode: 'M_USER_LOCKED', body: { soft_logout: true } });
    await test.db.transaction((tx) => tx.run(sql`UPDATE users SET is_locked = 0`));
    expect(await use(await refresh(tokens))).toMatchObject({ userId: '@alice:shard.example' });
  });

  it('no renewal outlives the end of a session', async () => {
    deps = { ...deps, tokenLifetimes: { ...deps.tokenLifetimes, session: 400_000 } };
    const start = deps.clock();
    const renewed = await refresh(await login(), start + 200_000);
    expect(renewed).toMatchObject({ expires_in_ms: 200_000 });
    expect(await refusalOf(refresh(renewed, start + 400_000))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', body: { soft_logout: true } });
  });
});

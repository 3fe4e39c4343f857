import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { getUserinfo, requestOpenidToken } from './openid.js';
import { makePerson, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import type { Session } from './session.js';

describe.each(engines)('OpenID tokens on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  let alice: Session;
  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
    alice = await makePerson(deps, 'alice');
  });
  afterEach(() => test.drop());

  const request = async (now = deps.clock()): Promise<string> => {
    const answer = await requestOpenidToken({ ...deps, clock: () => now }, { session: alice, params: alice });
    return (answer as { access_token: string }).access_token;
  };

  it('are good for an hour', async () => {
    const query = { access_token: await request() };
    const at = (after: number): Promise<object> => getUserinfo({ ...deps, clock: () => deps.clock() + after }, { query });
    expect(await at(3_599_999)).toEqual({ sub: alice.userId });
    expect(await refusalOf(at(3_600_000))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });

  it('a session has no more than a hundred at a time', async () => {
    for (let i = 0; i < 100; i += 1) await request();
    expect(await refusalOf(request())).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
    expect(await request(deps.clock() + 3_600_000)).toEqual(expect.any(String));
  });
});

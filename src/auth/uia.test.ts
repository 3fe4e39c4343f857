import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { makePerson, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import type { Session } from './session.js';
import { requireUia } from './uia.js';

describe.each(engines)('interactive authentication on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  let alice: Session;

  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
    alice = await makePerson(deps, 'alice');
  });
  afterEach(() => test.drop());

  const password = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'alice' }, password: "alice's password" };
  const sessionOf = (refusal: { body?: unknown }): string => (refusal.body as { session: string }).session;

  it('first tells the client what is needed, without an errcode', async () => {
    const refusal = await refusalOf(requireUia(deps, alice, 'DELETE devices/A', undefined));
    expect(refusal.status).toBe(401);
    expect(JSON.parse(JSON.stringify(refusal.body))).toEqual({
      session: expect.stringMatching(/^[A-Za-z0-9_-]{24}$/),
      flows: [{ stages: ['m.login.password'] }],
      params: {},
      completed: [],
    });
    expect({ errcode: 'M_X', error: 'x', ...(refusal.body as object) }).toMatchObject({ errcode: undefined, error: undefined });
  });

  it('takes the password with that session, and without any', async () => {
    const session = sessionOf(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', undefined)));
    await requireUia(deps, alice, 'DELETE devices/A', { ...password, session });
    await requireUia(deps, alice, 'DELETE devices/A', password);
    await requireUia(deps, alice, 'DELETE devices/A', { type: 'm.login.password', user: '@ALICE:shard.example', password: "alice's password" });
  });

  it('answers a wrong password with M_FORBIDDEN, the flows and the same session', async () => {
    const session = sessionOf(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', {})));
    const refusal = await refusalOf(requireUia(deps, alice, 'DELETE devices/A', { ...password, session, password: 'wrong' }));
    expect(refusal).toMatchObject({ errcode: 'M_FORBIDDEN', status: 401, body: { session, flows: [{ stages: ['m.login.password'] }] } });
    await requireUia(deps, alice, 'DELETE devices/A', { ...password, session });
  });

  it('completes no other operation, target or person with a session', async () => {
    const session = sessionOf(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', undefined)));
    const bob = await makePerson(deps, 'bob');
    const bobs = { ...password, identifier: { type: 'm.id.user', user: 'bob' }, password: "bob's password", session };
    for (const call of [
      () => requireUia(deps, alice, 'DELETE devices/B', { ...password, session }),
      () => requireUia(deps, alice, 'POST delete_devices', { ...password, session }),
      () => requireUia(deps, bob, 'DELETE devices/A', bobs),
    ]) {
      expect(await refusalOf(call())).toEqual({ errcode: 'M_FORBIDDEN', message: 'This authentication session was begun for another request' });
    }
  });

  it('refuses the password of somebody else', async () => {
    await makePerson(deps, 'bob');
    const bobs = { ...password, identifier: { type: 'm.id.user', user: 'bob' }, password: "bob's password" };
    expect(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', bobs))).toEqual({ errcode: 'M_FORBIDDEN', message: 'Only your own password counts here' });
  });

  it('begins anew when a session is unknown or too old', async () => {
    const session = sessionOf(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', undefined)));
    const later = testDeps(test.db, deps.clock() + 3_600_001);
    const refusal = await refusalOf(requireUia(later, alice, 'DELETE devices/A', { ...password, session }));
    expect(refusal).toMatchObject({ errcode: 'M_FORBIDDEN', status: 401 });
    expect(sessionOf(refusal)).not.toBe(session);
    await requireUia(later, alice, 'DELETE devices/A', { ...password, session: sessionOf(refusal) });
  });

  it('refuses other stages, no password, and shapes that are none', async () => {
    for (const auth of [{ type: 'm.login.dummy' }, { type: 'm.login.sso' }, { ...password, password: '' }, { type: 'm.login.password' }]) {
      expect(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', auth))).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
    }
    for (const auth of [{ type: 1 }, { ...password, session: {} }, { ...password, session: 'a\0b' }, { ...password, identifier: 'alice' }, { ...password, password: ['x'] }]) {
      expect(await refusalOf(requireUia(deps, alice, 'DELETE devices/A', auth))).toMatchObject({ errcode: 'M_BAD_JSON' });
    }
  });
});

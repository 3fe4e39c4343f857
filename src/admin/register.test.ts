import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { authenticate } from '../auth/authenticate.js';
import { from, makeAccount, refusalOf, testDeps } from '../auth/people.testing.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { offerNonce, registerWithSecret, type AdminRegisterDeps } from './register.js';

describe.each(engines)('registration by shared secret on $name', (engine) => {
  let test: TestDatabase;
  let deps: AdminRegisterDeps;

  beforeEach(async () => {
    test = await engine.open();
    deps = { ...testDeps(test.db), registrationSharedSecret: 'a secret' };
  });
  afterEach(() => test.drop());

  async function newNonce(): Promise<string> {
    return ((await offerNonce(deps)) as { nonce: string }).nonce;
  }

  function signed(nonce: string, { username = 'alice', admin = false, secret = 'a secret' } = {}): Parameters<typeof registerWithSecret>[1] {
    const mac = createHmac('sha1', secret).update(`${nonce}\0${username}\0p\0${admin ? 'admin' : 'notadmin'}`).digest('hex');
    return { ip: '127.0.0.1', body: { nonce, username, password: 'p', admin, mac } };
  }

  it('makes an account and a session, administrator or not as signed', async () => {
    for (const [username, admin] of [['alice', false], ['root', true]] as const) {
      const made = (await registerWithSecret(deps, signed(await newNonce(), { username, admin }))) as Record<string, string>;
      expect(made).toMatchObject({ user_id: `@${username}:shard.example`, home_server: 'shard.example', device_id: expect.any(String) });
      expect(await authenticate(deps, `Bearer ${made['access_token']}`, from)).toMatchObject({ isAdmin: admin });
    }
  });

  it('refuses what another secret signed, and rights that were not signed', async () => {
    const nonce = await newNonce();
    const forged = signed(nonce, { secret: 'another' });
    const raised = signed(nonce);
    for (const call of [forged, { ...raised, body: { ...raised.body, admin: true } }, { ...raised, body: { ...raised.body, mac: 'x' } }]) {
      expect(await refusalOf(registerWithSecret(deps, call))).toEqual({ errcode: 'M_FORBIDDEN', message: 'HMAC incorrect' });
    }
  });

  it('takes a nonce once, within a minute, and none it did not give', async () => {
    const nonce = await newNonce();
    await registerWithSecret(deps, signed(nonce));
    const late = await newNonce();
    const later: AdminRegisterDeps = { ...deps, clock: () => deps.clock() + 60_001 };
    for (const call of [
      () => registerWithSecret(deps, signed(nonce, { username: 'bob' })),
      () => registerWithSecret(deps, signed('invented')),
      () => registerWithSecret(later, signed(late)),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ message: 'unrecognised nonce', status: 400 });
    }
  });

  it('makes one account of one nonce when it is used twice at once', async () => {
    const nonce = await newNonce();
    const both = await Promise.allSettled(['alice', 'bob'].map((username) => registerWithSecret(deps, signed(nonce, { username }))));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('refuses taken and malformed names', async () => {
    await makeAccount({ ...testDeps(test.db) }, 'alice');
    expect(await refusalOf(registerWithSecret(deps, signed(await newNonce(), { username: 'Alice' })))).toMatchObject({ errcode: 'M_USER_IN_USE' });
    expect(await refusalOf(registerWithSecret(deps, signed(await newNonce(), { username: 'a b' })))).toMatchObject({ errcode: 'M_INVALID_USERNAME' });
  });

  it('offers only so many nonces at a time to whoever asks, and others again a minute later', async () => {
    for (let i = 0; i < 1000; i += 1) await newNonce();
    expect(await refusalOf(offerNonce(deps))).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
    const later: AdminRegisterDeps = { ...deps, clock: () => deps.clock() + 60_001 };
    expect(await offerNonce(later)).toEqual({ nonce: expect.any(String) });
  });

  it('does not exist without a secret', async () => {
    const without: AdminRegisterDeps = { ...deps, registrationSharedSecret: undefined };
    expect(await refusalOf(offerNonce(without))).toMatchObject({ status: 400 });
    expect(await refusalOf(registerWithSecret(without, signed('n', { secret: 'undefined' })))).toMatchObject({ status: 400 });
  });
});

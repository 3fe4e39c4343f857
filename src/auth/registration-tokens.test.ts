import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { deleteRegistrationToken, insertRegistrationToken, isRegistrationToken, registrationTokens, spendRegistrationToken } from './registration-tokens-store.js';
import { hashToken } from './tokens.js';

describe.each(engines)('registration tokens on $name', (engine) => {
  let test: TestDatabase;
  beforeEach(async () => {
    test = await engine.open();
  });
  afterEach(() => test.drop());

  const make = (name: string, token: { usesAllowed?: number; expiresTs?: number } = {}): Promise<number> =>
    test.db.transaction((tx) => insertRegistrationToken(tx, { tokenHash: hashToken(name), usesAllowed: token.usesAllowed, expiresTs: token.expiresTs, madeBy: 'op', now: 5 }));
  const isGood = (name: string, now = 10): Promise<boolean> => test.db.read((tx) => isRegistrationToken(tx, hashToken(name), now));
  const spend = (name: string, now = 10): Promise<boolean> => test.db.transaction((tx) => spendRegistrationToken(tx, hashToken(name), now));

  it('are good until they are used up, over, or taken back', async () => {
    const nid = await make('endless');
    await make('twice', { usesAllowed: 2 });
    await make('brief', { expiresTs: 11 });
    expect([await spend('twice'), await spend('twice'), await spend('twice')]).toEqual([true, true, false]);
    expect([await isGood('twice'), await isGood('brief'), await isGood('brief', 11), await spend('brief', 11)]).toEqual([false, true, false, false]);
    expect([await isGood('endless', 1e15), await test.db.transaction((tx) => deleteRegistrationToken(tx, nid)), await isGood('endless')]).toEqual([true, true, false]);
    expect(await test.db.read(registrationTokens)).toMatchObject([{ uses_allowed: 2, uses_done: 2, made_by: 'op', made_ts: 5 }, { expires_ts: 11, uses_done: 0 }]);
  });

  it('are not used more often than allowed by many at once', async () => {
    await make('thrice', { usesAllowed: 3 });
    const spent = await Promise.all(Array.from({ length: 8 }, () => spend('thrice')));
    expect(spent.filter(Boolean)).toHaveLength(3);
  });
});

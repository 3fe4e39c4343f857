import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makePerson, testDeps } from '../auth/people.testing.js';
import { forgetIdentity } from '../e2ee/cross-signing-store.js';
import { deleteAllBackups } from '../e2ee/key-backups-store.js';
import { deleteAllAccountData } from '../profile/account-data-store.js';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { forgetPerson, putIntroduction } from './introductions-store.js';

describe.each(engines)('closed accounts on $name', (engine) => {
  let test: TestDatabase;
  beforeEach(async () => {
    test = await engine.open();
  });
  afterEach(() => test.drop());

  it('each module forgets what it keeps of a person, and nothing of others', async () => {
    const deps = testDeps(test.db);
    const [alice, bob] = [await makePerson(deps, 'alice'), await makePerson(deps, 'bob')];
    const rows = await deps.db.transaction(async (tx) => {
      for (const { userNid } of [alice, bob]) {
        await tx.run(sql`INSERT INTO account_data (user_nid, room_nid, type, content, position) VALUES (${userNid}, 0, 'x', '{}', 1)`);
        await tx.run(sql`INSERT INTO key_backups (user_nid, version, algorithm, auth_data, etag) VALUES (${userNid}, 1, 'x', '{}', 1)`);
        await tx.run(sql`INSERT INTO cross_signing_keys (user_nid, usage, public_key, json) VALUES (${userNid}, 'master', 'x', '{}')`);
      }
      await putIntroduction(tx, alice.userNid, 'subject', { user_nid: bob.userNid, granted_ts: 1, until_ts: 2 });
      await putIntroduction(tx, bob.userNid, 'subject', { user_nid: alice.userNid, granted_ts: 1, until_ts: 2 });
      for (const forget of [deleteAllAccountData, deleteAllBackups, forgetIdentity, forgetPerson]) await forget(tx, alice.userNid);
      return tx.all(sql`
        SELECT user_nid FROM account_data UNION ALL SELECT user_nid FROM key_backups UNION ALL SELECT user_nid FROM cross_signing_keys
        UNION ALL SELECT viewer_nid FROM introductions WHERE user_nid IS NULL`);
    });
    expect(rows).toEqual([{ user_nid: bob.userNid }, { user_nid: bob.userNid }, { user_nid: bob.userNid }, { user_nid: bob.userNid }]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseUserId } from '../matrix/identifiers.js';
import { makePerson, testDeps } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { deleteOldReports, reportUser } from './reports.js';
import { reportsBefore } from './reports-store.js';

describe.each(engines)('reports on $name', ({ open }) => {
  let test: TestDatabase;
  let alice: Session;
  beforeEach(async () => {
    test = await open();
    alice = await makePerson(testDeps(test.db), 'alice');
    for (const [reason, now] of [['old', 1000], ['new', 2000]] as const) {
      await reportUser({ db: test.db, clock: () => now }, { session: alice, params: { userId: parseUserId('@mallory:shard.example') }, body: { reason } });
    }
  });
  afterEach(() => test.drop());

  const kept = async (): Promise<readonly string[]> => (await test.db.read((tx) => reportsBefore(tx, Number.MAX_SAFE_INTEGER, 10))).map(({ reason }) => reason);

  it('are kept as long as the operator says, and for ever where nothing is said', async () => {
    expect(await deleteOldReports({ db: test.db, clock: () => 1e15, reportsKeptMs: undefined })).toBe(0);
    expect(await deleteOldReports({ db: test.db, clock: () => 6000, reportsKeptMs: 5000 })).toBe(0);
    expect(await kept()).toEqual(['new', 'old']);
    expect(await deleteOldReports({ db: test.db, clock: () => 6001, reportsKeptMs: 5000 })).toBe(1);
    expect(await kept()).toEqual(['new']);
  });
});

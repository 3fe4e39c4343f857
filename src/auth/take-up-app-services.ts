import type { Clock } from '../matrix/clock.js';
import type { Database, Transaction } from '../storage/database.js';
import type { AppService, AppServices } from './app-services.js';
import { accountsOfPeople, createUser, findAccount } from './users-store.js';

/**
 * Gives each application service the account of its sender. Throws where a service covers the account of a person, saying how many and not
 * whose (RULES B14), or that of another service.
 */
export async function takeUpAppServices({ db, clock, appServices }: { db: Database; clock: Clock; appServices: AppServices }): Promise<void> {
  if (appServices.all.length === 0) return;
  await db.transaction(async (tx) => {
    const people = await accountsOfPeople(tx);
    for (const service of appServices.all) {
      const covered = people.filter((userId) => service.covers(userId)).length;
      if (covered > 0) throw new Error(`${service.file}, namespaces.users or sender_localpart: covers ${covered === 1 ? 'the account of a person' : `the accounts of ${covered} people`}, and no application service may act for people (rule B14). Narrow it to names that only the service uses.`);
      await ensureSender(tx, service, clock());
    }
  });
}

async function ensureSender(tx: Transaction, { file, id, sender }: AppService, now: number): Promise<void> {
  const account = await findAccount(tx, sender);
  if (account === undefined) await createUser(tx, { userId: sender, passwordHash: undefined, isAdmin: false, appServiceId: id, now });
  else if (account.app_service_id !== id) throw new Error(`${file}, sender_localpart: this account was made for the application service ${String(account.app_service_id)}. Give that id back, or choose another sender_localpart.`);
}

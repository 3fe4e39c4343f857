import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface PushRulesRow {
  /** JSON. */
  readonly ruleset: string;
  readonly position: number;
}

export async function findPushRules(tx: ReadTransaction, userNid: number): Promise<(PushRulesRow & { readonly ignored: string }) | undefined> {
  return tx.one(sql`SELECT ruleset, position, ignored FROM push_rules WHERE user_nid = ${userNid}`);
}

export async function savePushRules(tx: Transaction, userNid: number, { ruleset, position }: PushRulesRow): Promise<void> {
  await tx.run(sql`
    INSERT INTO push_rules (user_nid, ruleset, position) VALUES (${userNid}, ${ruleset}, ${position})
    ON CONFLICT (user_nid) DO UPDATE SET ruleset = excluded.ruleset, position = excluded.position`);
}

/** Whom somebody ignores; `ruleset` is for who has no rules of their own yet, and is no news to their devices. */
export async function saveIgnored(tx: Transaction, userNid: number, { ruleset, ignored }: { ruleset: string; ignored: string }): Promise<void> {
  await tx.run(sql`
    INSERT INTO push_rules (user_nid, ruleset, position, ignored) VALUES (${userNid}, ${ruleset}, 0, ${ignored})
    ON CONFLICT (user_nid) DO UPDATE SET ignored = excluded.ignored`);
}

export async function deletePushRules(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM push_rules WHERE user_nid = ${userNid}`);
}

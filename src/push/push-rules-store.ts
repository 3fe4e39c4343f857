import { sql, type ReadTransaction } from '../storage/database.js';

export interface PushRulesRow {
  /** JSON. */
  readonly ruleset: string;
  readonly position: number;
}

export async function findPushRules(tx: ReadTransaction, userNid: number): Promise<PushRulesRow | undefined> {
  return tx.one<PushRulesRow>(sql`SELECT ruleset, position FROM push_rules WHERE user_nid = ${userNid}`);
}

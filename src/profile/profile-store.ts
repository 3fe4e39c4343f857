import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface FieldRow {
  readonly field: string;
  /** JSON. */
  readonly value: string;
}

export async function profileFields(tx: ReadTransaction, userNid: number): Promise<readonly FieldRow[]> {
  return tx.all<FieldRow>(sql`SELECT field, value FROM profile_fields WHERE user_nid = ${userNid} ORDER BY field`);
}

export async function setField(tx: Transaction, userNid: number, { field, value }: FieldRow): Promise<void> {
  await tx.run(sql`
    INSERT INTO profile_fields (user_nid, field, value) VALUES (${userNid}, ${field}, ${value})
    ON CONFLICT (user_nid, field) DO UPDATE SET value = excluded.value`);
}

export async function deleteField(tx: Transaction, userNid: number, field: string): Promise<void> {
  await tx.run(sql`DELETE FROM profile_fields WHERE user_nid = ${userNid} AND field = ${field}`);
}

export async function deleteProfile(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM profile_fields WHERE user_nid = ${userNid}`);
}

import { inList, rowsOf, sql, tuplesOf, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import { batchesOf } from './batches.js';

export interface NamedKey {
  readonly algorithm: string;
  readonly key_id: string;
  readonly json: string;
}

export interface DeviceKey extends NamedKey {
  readonly device_nid: number;
}

/** A key asked for: any one of that algorithm of that device. */
export interface WantedKey {
  readonly device_nid: number;
  readonly algorithm: string;
}

/** What the device holds under these names, and perhaps under some more. */
export async function oneTimeKeysLike(tx: ReadTransaction, deviceNid: number, keys: readonly NamedKey[]): Promise<readonly NamedKey[]> {
  if (keys.length === 0) return [];
  const algorithms = [...new Set(keys.map((key) => key.algorithm))];
  return tx.all<NamedKey>(sql`
    SELECT algorithm, key_id, json FROM one_time_keys
    WHERE device_nid = ${deviceNid} AND algorithm IN ${inList(algorithms)} AND key_id IN ${inList(keys.map((key) => key.key_id))}`);
}

/** Leaves alone what stands under one of these names; resolves to how many were put beside that. */
export async function insertOneTimeKeys(tx: Transaction, deviceNid: number, uploadOrder: number, keys: readonly NamedKey[]): Promise<number> {
  let inserted = 0;
  for (const batch of batchesOf(keys)) {
    const rows = batch.map((key) => [deviceNid, key.algorithm, key.key_id, uploadOrder, key.json]);
    inserted += await tx.run(sql`
      INSERT INTO one_time_keys (device_nid, algorithm, key_id, upload_order, json) VALUES ${tuplesOf(rows)}
      ON CONFLICT (device_nid, algorithm, key_id) DO NOTHING`);
  }
  return inserted;
}

/** A fallback key of the same id stays as used as it was: the upload was a repetition. */
export async function putFallbackKey(tx: Transaction, deviceNid: number, key: NamedKey): Promise<number> {
  return tx.run(sql`
    INSERT INTO fallback_keys (device_nid, algorithm, key_id, json) VALUES (${deviceNid}, ${key.algorithm}, ${key.key_id}, ${key.json})
    ON CONFLICT (device_nid, algorithm) DO UPDATE SET key_id = excluded.key_id, json = excluded.json, is_used = 0
    WHERE fallback_keys.key_id <> excluded.key_id`);
}

export async function countOneTimeKeys(tx: ReadTransaction, deviceNid: number): Promise<readonly { algorithm: string; n: number }[]> {
  return tx.all(sql`SELECT algorithm, count(*) AS n FROM one_time_keys WHERE device_nid = ${deviceNid} GROUP BY algorithm`);
}

export async function unusedFallbackAlgorithms(tx: ReadTransaction, deviceNid: number): Promise<readonly { algorithm: string }[]> {
  return tx.all(sql`SELECT algorithm FROM fallback_keys WHERE device_nid = ${deviceNid} AND is_used = 0 ORDER BY algorithm`);
}

/** Takes the oldest key for each wanted one, where there is any: whoever asks next gets another. */
export async function takeOneTimeKeys(tx: Transaction, wanted: readonly WantedKey[]): Promise<readonly DeviceKey[]> {
  const taken: DeviceKey[] = [];
  for (const batch of batchesOf(wanted)) {
    taken.push(...await tx.all<DeviceKey>(sql`
      WITH wanted (device_nid, algorithm) AS (VALUES ${wantedRows(batch)})
      DELETE FROM one_time_keys
      WHERE (device_nid, algorithm, key_id) IN (
        SELECT w.device_nid, w.algorithm, (
          SELECT k.key_id FROM one_time_keys k
          WHERE k.device_nid = w.device_nid AND k.algorithm = w.algorithm
          ORDER BY k.upload_order, k.key_id
          LIMIT 1)
        FROM wanted w)
      RETURNING device_nid, algorithm, key_id, json`));
  }
  return taken;
}

export interface FallbackKey extends DeviceKey {
  readonly is_used: number;
}

export async function fallbackKeysFor(tx: ReadTransaction, wanted: readonly WantedKey[]): Promise<readonly FallbackKey[]> {
  const found: FallbackKey[] = [];
  for (const batch of batchesOf(wanted)) {
    found.push(...await tx.all<FallbackKey>(sql`
      WITH wanted (device_nid, algorithm) AS (VALUES ${wantedRows(batch)})
      SELECT f.device_nid, f.algorithm, f.key_id, f.json, f.is_used
      FROM wanted w JOIN fallback_keys f ON f.device_nid = w.device_nid AND f.algorithm = w.algorithm`));
  }
  return found;
}

export async function markFallbackKeysUsed(tx: Transaction, keys: readonly WantedKey[]): Promise<void> {
  for (const batch of batchesOf(keys)) {
    await tx.run(sql`
      WITH given (device_nid, algorithm) AS (VALUES ${wantedRows(batch)})
      UPDATE fallback_keys SET is_used = 1 WHERE (device_nid, algorithm) IN (SELECT device_nid, algorithm FROM given)`);
  }
}

function wantedRows(wanted: readonly WantedKey[]): Sql {
  return rowsOf(wanted.map(({ device_nid, algorithm }) => [device_nid, algorithm]), ['BIGINT', 'TEXT']);
}

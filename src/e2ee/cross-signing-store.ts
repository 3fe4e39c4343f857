import { inList, sql, tuplesOf, type ReadTransaction, type Sql, type Transaction } from '../storage/database.js';
import { batchesOf } from './batches.js';

export type Usage = 'master' | 'self_signing' | 'user_signing';

export interface CrossSigningRow {
  readonly user_nid: number;
  readonly usage: Usage;
  readonly public_key: string;
  readonly json: string;
}

export async function crossSigningKeysOf(tx: ReadTransaction, userNids: readonly number[]): Promise<readonly CrossSigningRow[]> {
  if (userNids.length === 0) return [];
  return tx.all<CrossSigningRow>(sql`
    SELECT user_nid, usage, public_key, json FROM cross_signing_keys WHERE user_nid IN ${inList(userNids)} ORDER BY user_nid, usage`);
}

export async function isCrossSigningKey(tx: ReadTransaction, userNid: number, publicKey: string): Promise<boolean> {
  const row = await tx.one<{ usage: Usage }>(sql`
    SELECT usage FROM cross_signing_keys WHERE user_nid = ${userNid} AND public_key = ${publicKey} LIMIT 1`);
  return row !== undefined;
}

export async function putCrossSigningKey(tx: Transaction, key: CrossSigningRow): Promise<void> {
  await tx.run(sql`
    INSERT INTO cross_signing_keys (user_nid, usage, public_key, json) VALUES (${key.user_nid}, ${key.usage}, ${key.public_key}, ${key.json})
    ON CONFLICT (user_nid, usage) DO UPDATE SET public_key = excluded.public_key, json = excluded.json`);
}

/** Takes a key away, with the signatures it made and those made of it. */
export async function deleteCrossSigningKey(tx: Transaction, key: CrossSigningRow): Promise<void> {
  await tx.run(sql`DELETE FROM cross_signing_keys WHERE user_nid = ${key.user_nid} AND usage = ${key.usage}`);
  await forgetSignatures(tx, key.user_nid, [key.public_key]);
}

export interface KeySignature {
  readonly target_nid: number;
  /** A device id or a cross-signing public key. */
  readonly target_key: string;
  readonly signer_nid: number;
  readonly signing_key: string;
  readonly signature: string;
}

/** The signatures people made of their own keys, which everybody sees who sees the keys. */
export async function selfSignatures(tx: ReadTransaction, userNids: readonly number[]): Promise<readonly KeySignature[]> {
  return signaturesWhere(tx, sql`target_nid IN ${inList(userNids)} AND signer_nid = target_nid`);
}

/**
 * The signatures somebody made of these people's keys, which only they may see: whom somebody else verified is nobody's business.
 * https://spec.matrix.org/v1.19/client-server-api/#key-and-signature-security
 */
export async function signaturesBy(tx: ReadTransaction, signerNid: number, targetNids: readonly number[]): Promise<readonly KeySignature[]> {
  if (targetNids.length === 0) return [];
  return signaturesWhere(tx, sql`target_nid IN ${inList(targetNids)} AND signer_nid = ${signerNid}`);
}

function signaturesWhere(tx: ReadTransaction, condition: Sql): Promise<readonly KeySignature[]> {
  return tx.all<KeySignature>(sql`SELECT target_nid, target_key, signer_nid, signing_key, signature FROM key_signatures WHERE ${condition}`);
}

export async function putSignatures(tx: Transaction, position: number, signatures: readonly KeySignature[]): Promise<void> {
  for (const batch of batchesOf(signatures)) {
    const rows = batch.map((s) => [s.target_nid, s.target_key, s.signer_nid, s.signing_key, s.signature, position]);
    await tx.run(sql`
      INSERT INTO key_signatures (target_nid, target_key, signer_nid, signing_key, signature, position) VALUES ${tuplesOf(rows)}
      ON CONFLICT (target_nid, target_key, signer_nid, signing_key) DO UPDATE SET signature = excluded.signature, position = excluded.position`);
  }
}

/**
 * Forgets what these keys of the person (devices by id, cross-signing keys by public key) signed, and who signed them: once the key
 * behind the name is gone, no such signature can be verified.
 */
export async function forgetSignatures(tx: Transaction, userNid: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await tx.run(sql`DELETE FROM key_signatures WHERE target_nid = ${userNid} AND target_key IN ${inList(names)}`);
  await tx.run(sql`
    DELETE FROM key_signatures
    WHERE signer_nid = ${userNid} AND signing_key IN ${inList(names.map((name) => `ed25519:${name}`))}`);
}

/** Forgets all that a person's identity consisted of: their cross-signing keys, who signed any key of theirs, and whose keys they signed. */
export async function forgetIdentity(tx: Transaction, userNid: number): Promise<void> {
  await tx.run(sql`DELETE FROM cross_signing_keys WHERE user_nid = ${userNid}`);
  await tx.run(sql`DELETE FROM key_signatures WHERE target_nid = ${userNid} OR signer_nid = ${userNid}`);
}

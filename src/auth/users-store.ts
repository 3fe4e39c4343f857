import type { UserId } from '../matrix/identifiers.js';
import { inList, sql, type ReadTransaction, type Transaction } from '../storage/database.js';
import { holdStream, newNid } from '../storage/stream.js';

declare const brand: unique symbol;

/** An account whose owner, within this very transaction, is still who proved to be: what sessions and passwords are given to. Made only here. */
export type Admitted = number & { readonly [brand]: true };

/** An account as it was when its password was found to be the right one; of an application service, when its token was. */
export type Proven = Pick<UserRow, 'user_nid' | 'password_hash'>;

export interface UserRow {
  readonly user_nid: number;
  readonly user_id: UserId;
  /** 0: an id merely named in events; nobody registered it here. */
  readonly is_account: number;
  readonly password_hash: string | null;
  readonly is_admin: number;
  readonly is_deactivated: number;
  readonly is_locked: number;
  readonly is_suspended: number;
  /** The application service whose account it is; null: a person's. */
  readonly app_service_id: string | null;
}

export async function findUser(tx: ReadTransaction, userId: UserId): Promise<UserRow | undefined> {
  return tx.one<UserRow>(sql`
    SELECT user_nid, user_id, is_account, password_hash, is_admin, is_deactivated, is_locked, is_suspended, app_service_id
    FROM users WHERE user_id = ${userId}`);
}

/** An account of this shard; `id` is what somebody typed, so it need not be a user id at all. */
export async function findAccount(tx: ReadTransaction, id: string): Promise<UserRow | undefined> {
  return tx.one<UserRow>(sql`
    SELECT user_nid, user_id, is_account, password_hash, is_admin, is_deactivated, is_locked, is_suspended, app_service_id
    FROM users WHERE user_id = ${id} AND is_account = 1`);
}

export async function userIdsByNid(tx: ReadTransaction, userNids: readonly number[]): Promise<ReadonlyMap<number, UserId>> {
  if (userNids.length === 0) return new Map();
  const rows = await tx.all<{ user_nid: number; user_id: UserId }>(sql`
    SELECT user_nid, user_id FROM users WHERE user_nid IN ${inList(userNids)}`);
  return new Map(rows.map((row) => [row.user_nid, row.user_id]));
}

export async function userNidsById(tx: ReadTransaction, userIds: readonly string[]): Promise<readonly number[]> {
  const rows = await tx.all<{ user_nid: number }>(sql`SELECT user_nid FROM users WHERE user_id IN ${inList(userIds)}`);
  return rows.map(({ user_nid }) => user_nid);
}

/** The nid of an id that an event names, whether or not anybody has registered it. */
export async function ensureUser(tx: Transaction, userId: UserId, now: number): Promise<number> {
  const known = await tx.one<{ user_nid: number }>(sql`SELECT user_nid FROM users WHERE user_id = ${userId}`);
  if (known !== undefined) return known.user_nid;
  const made = await tx.one<{ user_nid: number }>(sql`
    INSERT INTO users (user_nid, user_id, is_account, created_ts)
    VALUES (${await newNid(tx)}, ${userId}, 0, ${now})
    ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id
    RETURNING user_nid`);
  if (made === undefined) throw new Error('the upsert of a user returned nothing');
  return made.user_nid;
}

export interface NewAccount {
  readonly userId: UserId;
  /** Undefined: nobody logs in with a password. */
  readonly passwordHash: string | undefined;
  readonly isAdmin: boolean;
  /** Undefined: the account is a person's. */
  readonly appServiceId?: string;
  readonly now: number;
}

/** The new account's nid; undefined when the id is taken. An id that events already name keeps its nid. */
export async function createUser(tx: Transaction, account: NewAccount): Promise<Admitted | undefined> {
  const made = await tx.one<{ user_nid: Admitted }>(sql`
    INSERT INTO users (user_nid, user_id, is_account, password_hash, is_admin, app_service_id, created_ts)
    VALUES (${await newNid(tx)}, ${account.userId}, 1, ${account.passwordHash ?? null}, ${account.isAdmin ? 1 : 0}, ${account.appServiceId ?? null}, ${account.now})
    ON CONFLICT (user_id) DO UPDATE SET
      is_account = 1, password_hash = excluded.password_hash, is_admin = excluded.is_admin, app_service_id = excluded.app_service_id,
      created_ts = excluded.created_ts
      WHERE users.is_account = 0
    RETURNING user_nid`);
  return made?.user_nid;
}

/**
 * The account, unless it was given another password, locked or closed since it was proven, which takes as long as looking at a password.
 * Who does any of these ends its sessions: none begins behind their back, for the stream is held until the commit.
 */
export async function admit(tx: Transaction, { user_nid, password_hash }: Proven): Promise<Admitted | undefined> {
  await holdStream(tx);
  const row = await tx.one<{ user_nid: Admitted }>(sql`
    SELECT user_nid FROM users
    WHERE user_nid = ${user_nid} AND coalesce(password_hash, '') = ${password_hash ?? ''} AND is_deactivated = 0 AND is_locked = 0`);
  return row?.user_nid;
}

/** Every account that a person has or had: those of application services apart. */
export async function accountsOfPeople(tx: ReadTransaction): Promise<readonly UserId[]> {
  const rows = await tx.all<{ user_id: UserId }>(sql`SELECT user_id FROM users WHERE is_account = 1 AND app_service_id IS NULL`);
  return rows.map(({ user_id }) => user_id);
}

export async function setPasswordHash(tx: Transaction, userNid: Admitted, passwordHash: string): Promise<void> {
  await tx.run(sql`UPDATE users SET password_hash = ${passwordHash} WHERE user_nid = ${userNid}`);
}

/** Nobody logs in any more, and the name stays taken. An account not erased keeps its password, by which its owner alone is told that it is closed. */
export async function closeAccount(tx: Transaction, userNid: Admitted, { isErased }: { isErased: boolean }): Promise<void> {
  await tx.run(sql`UPDATE users SET is_deactivated = 1, is_admin = 0 WHERE user_nid = ${userNid}`);
  if (isErased) await tx.run(sql`UPDATE users SET password_hash = NULL WHERE user_nid = ${userNid}`);
}

export async function setLocked(tx: Transaction, userNid: number, isLocked: boolean): Promise<void> {
  await tx.run(sql`UPDATE users SET is_locked = ${isLocked ? 1 : 0} WHERE user_nid = ${userNid}`);
}

export async function setSuspended(tx: Transaction, userNid: number, isSuspended: boolean): Promise<void> {
  await tx.run(sql`UPDATE users SET is_suspended = ${isSuspended ? 1 : 0} WHERE user_nid = ${userNid}`);
}

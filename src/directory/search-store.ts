import type { UserId } from '../matrix/identifiers.js';
import { join, sql, type ReadTransaction, type Sql } from '../storage/database.js';
import type { DirectoryScope } from './scope.js';

export interface FoundRow {
  readonly user_id: UserId;
  /** JSON. */
  readonly displayname: string | null;
  readonly avatar_url: string | null;
}

export interface Term {
  readonly text: string;
  /** Whom the text names exactly, if anybody. */
  readonly named?: UserId;
  readonly limit: number;
}

/**
 * The people within the scope whose display name or user id holds what was typed, in whatever case; first whom it names, then those
 * whose name begins with it (RULES D1).
 */
export async function searchUsers(tx: ReadTransaction, within: DirectoryScope, { text, named = undefined, limit }: Term): Promise<readonly FoundRow[]> {
  const spellings = spellingsOf(text);
  const nameBegins = anyOf(spellings.map((spelling) => sql`lower(CAST(name.value AS TEXT)) LIKE ${`"${jsonPattern(spelling)}%`} ESCAPE '!'`));
  const nameHolds = anyOf(spellings.map((spelling) => sql`lower(CAST(name.value AS TEXT)) LIKE ${`%${jsonPattern(spelling)}%`} ESCAPE '!'`));
  const isNamed = sql`u.user_id = ${named ?? ''}`;
  return tx.all<FoundRow>(sql`
    SELECT u.user_id, name.value AS displayname, picture.value AS avatar_url
    FROM (
      SELECT DISTINCT user_nid FROM visible_users
      WHERE viewer_nid = ${within.viewerNid} AND until_ts > ${within.now} AND user_nid <> ${within.viewerNid}) visible
    JOIN users u ON u.user_nid = visible.user_nid
    LEFT JOIN profile_fields name ON name.user_nid = visible.user_nid AND name.field = 'displayname'
    LEFT JOIN profile_fields picture ON picture.user_nid = visible.user_nid AND picture.field = 'avatar_url'
    WHERE ${isNamed} OR lower(u.user_id) LIKE ${idPattern(text)} ESCAPE '!' OR ${nameHolds}
    ORDER BY CASE WHEN ${isNamed} THEN 0 WHEN ${nameBegins} THEN 1 ELSE 2 END, u.user_id
    LIMIT CAST(${limit} AS BIGINT)`);
}

/** Both engines fold A to Z only: the accented capitals of a name are found under the ways people write them. */
function spellingsOf(text: string): readonly string[] {
  const lower = text.toLowerCase();
  const words = lower.replace(/(?<![\p{L}\p{N}])\p{L}/gu, (initial) => initial.toUpperCase());
  return [...new Set([lower, words, text.toUpperCase()].map(foldLatin))];
}

function foldLatin(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function anyOf(conditions: readonly Sql[]): Sql {
  return sql`(${join(conditions, ' OR ')})`;
}

/** Of an id the part before the server's name is searched, unless more of it was typed: else every id would hold the name of the server. */
function idPattern(text: string): string {
  const typed = literally(foldLatin(text));
  return text.startsWith('@') ? `${typed}%` : `@%${typed}%:%`;
}

/** Names are stored as JSON, in which some characters are written otherwise. */
function jsonPattern(text: string): string {
  return literally(JSON.stringify(text).slice(1, -1));
}

function literally(text: string): string {
  return text.replace(/[!%_]/g, '!$&');
}

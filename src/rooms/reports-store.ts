import type { Membership } from '../matrix/event-auth.js';
import { sql, type ReadTransaction, type Transaction } from '../storage/database.js';

export interface NewReport {
  readonly nid: number;
  readonly reporterNid: number;
  readonly roomId?: string;
  readonly eventId?: string;
  readonly userId?: string;
  readonly reason: string;
  readonly now: number;
}

/** A report beside what is there of it, never with what was said. */
export interface ReportRow {
  readonly report_nid: number;
  readonly reported_ts: number;
  readonly reporter: string;
  readonly room_id: string | null;
  readonly event_id: string | null;
  readonly user_id: string | null;
  readonly reason: string;
  /** Whether there is such a room, or such an account. */
  readonly exists: number;
  /** Who sent the event; null where the room has no such event. */
  readonly sender: string | null;
  /** The reporter's, in the room, at present. */
  readonly membership: Membership | null;
}

export async function insertReport(tx: Transaction, report: NewReport): Promise<void> {
  const { nid, reporterNid, roomId = null, eventId = null, userId = null, reason, now } = report;
  await tx.run(sql`
    INSERT INTO reports (report_nid, reporter_nid, room_id, event_id, user_id, reason, reported_ts)
    VALUES (${nid}, ${reporterNid}, ${roomId}, ${eventId}, ${userId}, ${reason}, ${now})`);
}

/** How many there were that had been made before a time. */
export async function deleteReportsBefore(tx: Transaction, ts: number): Promise<number> {
  return tx.run(sql`DELETE FROM reports WHERE reported_ts < ${ts}`);
}

/** The newest reports before one, newest first. */
export async function reportsBefore(tx: ReadTransaction, before: number, limit: number): Promise<readonly ReportRow[]> {
  return tx.all<ReportRow>(sql`
    SELECT p.report_nid, p.reported_ts, reporter.user_id AS reporter, p.room_id, p.event_id, p.user_id, p.reason,
      CASE WHEN r.room_nid IS NOT NULL OR subject.user_nid IS NOT NULL THEN 1 ELSE 0 END AS "exists",
      sender.user_id AS sender, m.membership
    FROM reports p
    JOIN users reporter ON reporter.user_nid = p.reporter_nid
    LEFT JOIN rooms r ON r.room_id = p.room_id
    LEFT JOIN memberships m ON m.room_nid = r.room_nid AND m.user_nid = p.reporter_nid
    LEFT JOIN events e ON e.event_id = p.event_id AND e.room_nid = r.room_nid
    LEFT JOIN users sender ON sender.user_nid = e.sender_nid
    LEFT JOIN users subject ON subject.user_id = p.user_id AND subject.is_account = 1
    WHERE p.report_nid < ${before}
    ORDER BY p.report_nid DESC
    LIMIT ${limit}`);
}

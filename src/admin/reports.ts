import { natural, object, optional, type TypeOf } from '../matrix/schema.js';
import { reportsBefore, type ReportRow } from '../rooms/reports-store.js';
import { doSigned, signature, type SignedCallDeps } from './signed-call.js';

const USUAL_PAGE = 50;
const LONGEST_PAGE = 500;

export const ListReportsBody = object({ ...signature, limit: optional(natural), before: optional(natural) });

/** The reports, newest first: who reports what and why, and never what an event says. */
export async function listReports(deps: SignedCallDeps, { body }: { body: TypeOf<typeof ListReportsBody> }): Promise<object> {
  const { limit = USUAL_PAGE, before = Number.MAX_SAFE_INTEGER } = body;
  return doSigned(deps, 'list_reports', { ...body }, async (tx) => {
    const rows = await reportsBefore(tx, before, Math.min(Math.max(limit, 1), LONGEST_PAGE));
    return { reports: rows.map(reportOf) };
  });
}

function reportOf({ report_nid: id, exists, ...row }: ReportRow): object {
  const present = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  return { id, ...present, exists: exists === 1 };
}

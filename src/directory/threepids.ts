import type { Session } from '../auth/session.js';
import type { Database } from '../storage/database.js';
import { emailOf } from './people-store.js';

/**
 * The address the operator gave to this account, if any; nobody gives themselves one.
 * https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid
 */
export async function listThreepids({ db }: { db: Database }, { session }: { session: Session }): Promise<object> {
  const row = await db.read((tx) => emailOf(tx, session.userNid));
  if (row === undefined) return { threepids: [] };
  return { threepids: [{ medium: 'email', address: row.email, validated_at: row.set_ts, added_at: row.set_ts }] };
}

/** No address is bound to any identity server (RULES D10). https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidunbind */
export async function unbindThreepid(): Promise<object> {
  return { id_server_unbind_result: 'no-support' };
}

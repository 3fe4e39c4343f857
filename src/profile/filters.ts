import { hash } from 'node:crypto';
import type { Session } from '../auth/session.js';
import { notFound } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import { JsonText } from '../matrix/reply.js';
import type { Filter } from '../rooms/filter.js';
import type { Database } from '../storage/database.js';
import { findFilter, saveFilter } from './filters-store.js';
import { refuseOthers } from './refuse-others.js';

interface Deps {
  readonly db: Database;
}

/** The same filter gets the same id. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter */
export async function defineFilter({ db }: Deps, { session, params, body }: { session: Session; params: { userId: UserId }; body: Filter }): Promise<object> {
  refuseOthers(session, params.userId);
  const filter = JSON.stringify(body);
  const filterId = hash('sha256', filter, 'base64url').slice(0, 22);
  await db.transaction((tx) => saveFilter(tx, session.userNid, { filterId, filter }));
  return { filter_id: filterId };
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridfilterfilterid */
export async function getFilter({ db }: Deps, { session, params }: { session: Session; params: { userId: UserId; filterId: string } }): Promise<JsonText> {
  refuseOthers(session, params.userId);
  const filter = await db.read((tx) => findFilter(tx, session.userNid, params.filterId));
  if (filter === undefined) throw notFound('You have no such filter');
  return new JsonText(filter);
}

import type { AppServices } from '../auth/app-services.js';
import type { Session } from '../auth/session.js';
import type { Clock } from '../matrix/clock.js';
import { forbidden, MatrixError } from '../matrix/errors.js';
import { object, optional, text, type TypeOf } from '../matrix/schema.js';
import type { Database } from '../storage/database.js';
import { bringForward } from '../storage/outbox.js';
import { isReachable, type AppServiceCalls } from './app-service-calls.js';
import { taskFor } from './app-services.js';
import { TimedOut, type Answered } from './exchange.js';

export const PingBody = object({ transaction_id: optional(text({ maxLength: 255 })) });

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly appServices: AppServices;
  readonly appServiceCalls: AppServiceCalls;
}

interface Call {
  readonly session: Session;
  readonly params: { readonly appserviceId: string };
  readonly body: TypeOf<typeof PingBody>;
}

/** Of a service that answers, what waits for it waits no longer. https://spec.matrix.org/v1.19/application-service-api/#post_matrixclientv1appserviceappserviceidping */
export async function pingAppService({ db, clock, appServices, appServiceCalls }: Deps, { session, params, body }: Call): Promise<object> {
  const id = params.appserviceId;
  const service = session.appService?.id === id ? appServices.byId(id) : undefined;
  if (service === undefined) throw forbidden('Only an application service itself can have itself pinged');
  if (!isReachable(service)) throw new MatrixError('M_URL_NOT_SET', 'The registration of the application service has no url');
  const since = clock();
  const answer = await appServiceCalls.ping(service, body.transaction_id).catch(refuseSilence);
  const now = clock();
  if (answer.status < 200 || answer.status > 299) {
    throw new MatrixError('M_BAD_STATUS', `The application service answered ${answer.status}`, { body: { status: answer.status, body: answer.text } });
  }
  await db.transaction((tx) => bringForward(tx, taskFor(id), now));
  return { duration_ms: now - since };
}

function refuseSilence(cause: unknown): Answered {
  if (cause instanceof TimedOut) throw new MatrixError('M_CONNECTION_TIMEOUT', 'The application service did not answer in time', { cause });
  throw new MatrixError('M_CONNECTION_FAILED', 'The application service cannot be reached', { cause });
}

import { MatrixError } from '../matrix/errors.js';
import type { UserId } from '../matrix/identifiers.js';
import type { AppService, AppServices } from './app-services.js';
import { bearerOf } from './authenticate.js';
import { hashToken } from './tokens.js';

/** The type of registration and log-in that takes the token of an application service. */
export const BY_SERVICE = 'm.login.application_service';

/** The service whose token an `Authorization` header holds. */
export function serviceOf({ appServices }: { readonly appServices: AppServices }, authorization: string | undefined): AppService {
  const service = appServices.byTokenHash(hashToken(bearerOf(authorization)));
  if (service === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'This is not the token of an application service');
  return service;
}

/** A service makes, and logs in, users of its own namespaces only, and none that is another's too. */
export function refuseUncovered({ appServices }: { readonly appServices: AppServices }, service: AppService, userId: UserId): void {
  if (!service.covers(userId)) throw new MatrixError('M_EXCLUSIVE', 'This user is in none of the namespaces of the application service');
  appServices.refuseReserved(userId, service);
}

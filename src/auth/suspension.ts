import { MatrixError } from '../matrix/errors.js';
import type { Session } from './session.js';

/** Who is suspended reads, leaves and logs out, but does nothing that others see. https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
export function refuseSuspended({ isSuspended }: Pick<Session, 'isSuspended'>): void {
  if (isSuspended) throw new MatrixError('M_USER_SUSPENDED', 'You cannot do this while your account is suspended');
}

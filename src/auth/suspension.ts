import { MatrixError } from '../matrix/errors.js';

/** Who is suspended reads, leaves and logs out, but does nothing that others see. https://spec.matrix.org/v1.19/client-server-api/#account-suspension */
export function refuseSuspended({ isSuspended }: { readonly isSuspended?: boolean }): void {
  if (isSuspended === true) throw new MatrixError('M_USER_SUSPENDED', 'You cannot do this while your account is suspended');
}

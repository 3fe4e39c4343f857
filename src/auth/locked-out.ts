import { MatrixError } from '../matrix/errors.js';

/** https://spec.matrix.org/v1.19/client-server-api/#account-locking */
export function lockedOut(): MatrixError {
  return new MatrixError('M_USER_LOCKED', 'This account is locked', { body: { soft_logout: true } });
}

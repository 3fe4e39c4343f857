/** The error codes this server answers with; `http/` maps each to its status. https://spec.matrix.org/v1.19/client-server-api/#standard-error-response */
export type Errcode =
  | 'M_BAD_ALIAS'
  | 'M_BAD_JSON'
  | 'M_BAD_STATUS'
  | 'M_CANNOT_OVERWRITE_MEDIA'
  | 'M_CONNECTION_FAILED'
  | 'M_CONNECTION_TIMEOUT'
  | 'M_DUPLICATE_ANNOTATION'
  | 'M_EXCLUSIVE'
  | 'M_FORBIDDEN'
  | 'M_GUEST_ACCESS_FORBIDDEN'
  | 'M_INCOMPATIBLE_ROOM_VERSION'
  | 'M_INVALID_PARAM'
  | 'M_INVALID_ROOM_STATE'
  | 'M_INVALID_SIGNATURE'
  | 'M_INVALID_USERNAME'
  | 'M_INVITE_BLOCKED'
  | 'M_KEY_TOO_LARGE'
  | 'M_LIMIT_EXCEEDED'
  | 'M_MISSING_PARAM'
  | 'M_MISSING_TOKEN'
  | 'M_NOT_FOUND'
  | 'M_NOT_JSON'
  | 'M_NOT_YET_UPLOADED'
  | 'M_PROFILE_TOO_LARGE'
  | 'M_ROOM_IN_USE'
  | 'M_THREEPID_DENIED'
  | 'M_THREEPID_MEDIUM_NOT_SUPPORTED'
  | 'M_TOO_LARGE'
  | 'M_UNAUTHORIZED'
  | 'M_UNKNOWN'
  | 'M_UNKNOWN_DEVICE'
  | 'M_UNKNOWN_POS'
  | 'M_UNKNOWN_TOKEN'
  | 'M_UNRECOGNIZED'
  | 'M_UNSUPPORTED_ROOM_VERSION'
  | 'M_URL_NOT_SET'
  | 'M_USER_DEACTIVATED'
  | 'M_USER_IN_USE'
  | 'M_USER_LIMIT_EXCEEDED'
  | 'M_USER_LOCKED'
  | 'M_USER_SUSPENDED'
  | 'M_WEAK_PASSWORD'
  | 'M_WRONG_ROOM_KEYS_VERSION';

/** Further members of the error body (`soft_logout`, `retry_after_ms`, …); `status` replaces the errcode's usual HTTP status. */
export interface ErrorDetails {
  readonly status?: number;
  readonly body?: Readonly<Record<string, unknown>>;
  /** For the log, never for the client. */
  readonly cause?: unknown;
}

/** A refusal the client is told about: an errcode and one sentence for the person who reads it. */
export class MatrixError extends Error {
  readonly details: ErrorDetails;

  constructor(
    readonly errcode: Errcode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.name = 'MatrixError';
    this.details = details;
  }
}

export function notFound(message: string): MatrixError {
  return new MatrixError('M_NOT_FOUND', message);
}

export function forbidden(message: string): MatrixError {
  return new MatrixError('M_FORBIDDEN', message);
}

import { MatrixError, forbidden } from '../matrix/errors.js';

const NOTIFY = '/_matrix/push/v1/notify';

/** Where pushes may go: `https://host` or `https://host:port`, as the operator lists them. */
export type Gateways = readonly string[];

/** The address of a gateway that a client names, if it is one that the operator allows. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset */
export function parseGateway(raw: unknown, allowed: Gateways): string {
  if (raw === undefined) throw new MatrixError('M_MISSING_PARAM', 'data.url must name the push gateway');
  const url = typeof raw === 'string' && raw.length <= 1024 && URL.canParse(raw) ? new URL(raw) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new MatrixError('M_INVALID_PARAM', 'data.url must be an https address');
  }
  if (url.pathname !== NOTIFY || url.search !== '' || url.hash !== '') throw new MatrixError('M_INVALID_PARAM', `data.url must end in ${NOTIFY}`);
  if (!allowed.includes(url.origin)) throw forbidden(`The operator of this server does not allow the push gateway ${url.host}`);
  return url.href;
}

import { DeleteMediaBody, deleteNamedMedia, QuarantineMediaBody, quarantineMedia } from '../admin/media.js';
import { isLocked, isSuspended, LockBody, lockUser, suspendUser, SuspensionBody, whoIs } from '../admin/moderation.js';
import { SetEmailBody, setEmail, SetHiddenBody, setHidden, SetIntroductionsBody, setIntroductions } from '../admin/people.js';
import { CreateTokenBody, createToken, ListTokensBody, listTokens, RevokeTokenBody, revokeToken } from '../admin/registration-tokens.js';
import { ListReportsBody, listReports } from '../admin/reports.js';
import { offerCallNonce } from '../admin/signed-call.js';
import { anyone, get, post, put, session, type Endpoint } from './endpoint.js';

/** https://spec.matrix.org/v1.19/client-server-api/#server-administration */
export const moderationApi: readonly Endpoint[] = [
  get('/v3/admin/whois/:userId', session, {}, whoIs),
  get('/v1/admin/suspend/:userId', session, {}, isSuspended),
  put('/v1/admin/suspend/:userId', session, { body: SuspensionBody }, suspendUser),
  get('/v1/admin/lock/:userId', session, {}, isLocked),
  put('/v1/admin/lock/:userId', session, { body: LockBody }, lockUser),
];

/** What `cloison user`, `cloison registration-token`, `cloison report` and `cloison media` call: each body is signed with the registration shared secret. */
export const adminApi: readonly Endpoint[] = [
  get('/_synapse/admin/cloison/v1/nonce', anyone, {}, offerCallNonce),
  post('/_synapse/admin/cloison/v1/set_email', anyone, { body: SetEmailBody }, setEmail),
  post('/_synapse/admin/cloison/v1/set_hidden', anyone, { body: SetHiddenBody }, setHidden),
  post('/_synapse/admin/cloison/v1/set_introductions', anyone, { body: SetIntroductionsBody }, setIntroductions),
  post('/_synapse/admin/cloison/v1/create_registration_token', anyone, { body: CreateTokenBody }, createToken),
  post('/_synapse/admin/cloison/v1/list_registration_tokens', anyone, { body: ListTokensBody }, listTokens),
  post('/_synapse/admin/cloison/v1/revoke_registration_token', anyone, { body: RevokeTokenBody }, revokeToken),
  post('/_synapse/admin/cloison/v1/delete_media', anyone, { body: DeleteMediaBody }, deleteNamedMedia),
  post('/_synapse/admin/cloison/v1/quarantine_media', anyone, { body: QuarantineMediaBody }, quarantineMedia),
  post('/_synapse/admin/cloison/v1/list_reports', anyone, { body: ListReportsBody }, listReports),
];

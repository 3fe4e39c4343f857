import { changePassword, PasswordChange } from '../auth/change-password.js';
import { Deactivation, deactivateAccount } from '../auth/deactivate.js';
import { getUserinfo, requestOpenidToken, UserinfoQuery } from '../auth/openid.js';
import { getTurnServer } from '../auth/turn-server.js';
import { whoAmI } from '../auth/whoami.js';
import { listThreepids, unbindThreepid } from '../directory/threepids.js';
import { noBody } from '../matrix/schema.js';
import { pingAppService, PingBody } from '../push/ping-app-service.js';
import { anyone, get, post, session, type Endpoint } from './endpoint.js';

/** https://spec.matrix.org/v1.19/client-server-api/#password-management and the sections after it */
export const accountApi: readonly Endpoint[] = [
  post('/v3/account/password', session, { body: PasswordChange }, changePassword),
  post('/v3/account/deactivate', session, { body: Deactivation }, deactivateAccount),
  get('/v3/account/3pid', session, {}, listThreepids),
  post('/v3/account/3pid/unbind', session, { body: noBody }, unbindThreepid),
  get('/v3/account/whoami', session, {}, whoAmI),

  // OpenID, and credentials for calls
  post('/v3/user/:userId/openid/request_token', session, { body: noBody, activeOnly: true }, requestOpenidToken),
  get('/_matrix/federation/v1/openid/userinfo', anyone, { query: UserinfoQuery }, getUserinfo),
  get('/v3/voip/turnServer', session, {}, getTurnServer),

  // Application services, which act through everything else
  post('/v1/appservice/:appserviceId/ping', session, { body: PingBody }, pingAppService),
];

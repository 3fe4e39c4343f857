import { SetEmailBody, setEmail, SetHiddenBody, setHidden, SetIntroductionsBody, setIntroductions } from '../admin/people.js';
import { CreateTokenBody, createToken, ListTokensBody, listTokens, RevokeTokenBody, revokeToken } from '../admin/registration-tokens.js';
import { offerCallNonce } from '../admin/signed-call.js';
import { anyone, get, post, type Endpoint } from './endpoint.js';

/** What `cloison user` and `cloison registration-token` call: each body is signed with the registration shared secret. */
export const adminApi: readonly Endpoint[] = [
  get('/_synapse/admin/cloison/v1/nonce', anyone, {}, offerCallNonce),
  post('/_synapse/admin/cloison/v1/set_email', anyone, { body: SetEmailBody }, setEmail),
  post('/_synapse/admin/cloison/v1/set_hidden', anyone, { body: SetHiddenBody }, setHidden),
  post('/_synapse/admin/cloison/v1/set_introductions', anyone, { body: SetIntroductionsBody }, setIntroductions),
  post('/_synapse/admin/cloison/v1/create_registration_token', anyone, { body: CreateTokenBody }, createToken),
  post('/_synapse/admin/cloison/v1/list_registration_tokens', anyone, { body: ListTokensBody }, listTokens),
  post('/_synapse/admin/cloison/v1/revoke_registration_token', anyone, { body: RevokeTokenBody }, revokeToken),
];

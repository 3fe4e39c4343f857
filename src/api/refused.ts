import { anyone, refused, session, type Endpoint } from './endpoint.js';

const BY_THE_OPERATOR = { errcode: 'M_FORBIDDEN', message: 'E-mail addresses and telephone numbers are given to accounts by the operators of this server' } as const;
const NO_MAIL = { errcode: 'M_THREEPID_DENIED', message: 'This server verifies no e-mail addresses' } as const;
const NO_TELEPHONE = { errcode: 'M_THREEPID_MEDIUM_NOT_SUPPORTED', message: 'This server sends nothing to telephones' } as const;
const NO_RESET = { errcode: 'M_FORBIDDEN', message: 'Ask the operators of this server for a new password' } as const;
const NO_REGISTRATION_BY_MAIL = { errcode: 'M_FORBIDDEN', message: 'Nobody registers with an e-mail address on this server' } as const;
const NOTHING_PUBLISHED = { errcode: 'M_FORBIDDEN', message: 'This server has no public rooms' } as const;
const NO_SUCH_NETWORK = { errcode: 'M_NOT_FOUND', message: 'This server knows no other networks' } as const;

/**
 * What the specification has and this server refuses, in the words its clients understand. What they should take for not there at
 * all is among the known paths instead.
 */
export const refusedApi: readonly Endpoint[] = [
  refused('POST', '/v3/account/3pid', session, BY_THE_OPERATOR),
  refused('POST', '/v3/account/3pid/add', session, BY_THE_OPERATOR),
  refused('POST', '/v3/account/3pid/bind', session, BY_THE_OPERATOR),
  refused('POST', '/v3/account/3pid/delete', session, BY_THE_OPERATOR),
  refused('POST', '/v3/account/3pid/email/requestToken', anyone, NO_MAIL),
  refused('POST', '/v3/account/3pid/msisdn/requestToken', anyone, NO_TELEPHONE),
  refused('POST', '/v3/account/password/email/requestToken', anyone, NO_RESET),
  refused('POST', '/v3/account/password/msisdn/requestToken', anyone, NO_TELEPHONE),
  refused('POST', '/v3/register/email/requestToken', anyone, NO_REGISTRATION_BY_MAIL),
  refused('POST', '/v3/register/msisdn/requestToken', anyone, NO_TELEPHONE),
  refused('GET', '/v3/login/sso/redirect/:idpId', anyone, { errcode: 'M_NOT_FOUND', message: 'This server knows no such identity provider' }),

  refused('PUT', '/v3/directory/list/appservice/:networkId/:roomId', session, NOTHING_PUBLISHED),
  refused('GET', '/v3/thirdparty/protocol/:protocol', session, NO_SUCH_NETWORK),
  refused('GET', '/v3/thirdparty/location', session, NO_SUCH_NETWORK),
  refused('GET', '/v3/thirdparty/user', session, NO_SUCH_NETWORK),
  refused('GET', '/.well-known/matrix/policy_server', anyone, { errcode: 'M_NOT_FOUND', message: 'No policy server runs here' }),
];

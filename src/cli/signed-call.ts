import { hostname, userInfo } from 'node:os';
import { type Deed, macOf } from '../admin/signed-call.js';
import type { JsonObject } from '../matrix/schema.js';
import { Failure } from './command.js';
import { answerOf } from './registration-client.js';
import type { RunningServer } from './running-server.js';

/** Has a running server do something to an account, signed with its secret; resolves to the account's user id. */
export async function callSigned({ url, secret }: RunningServer, deed: Deed, wish: JsonObject): Promise<string> {
  const root = `${url.replace(/\/+$/, '')}/_synapse/admin/cloison/v1`;
  const { nonce, error } = await answerOf(`${root}/nonce`);
  if (nonce === undefined) throw new Failure(`The server takes no orders this way: ${error ?? 'it gives no nonce'}.`);
  const body = { ...wish, nonce, by: `${userInfo().username}@${hostname()}` };
  const done = await answerOf(`${root}/${deed}`, { ...body, mac: macOf(secret, deed, body) });
  if (done.user_id === undefined) throw new Failure(`The server refuses: ${done.error ?? 'it does not say why'}.`);
  return done.user_id;
}

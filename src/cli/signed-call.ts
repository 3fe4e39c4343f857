import { hostname, userInfo } from 'node:os';
import { type Deed, macOf } from '../admin/signed-call.js';
import type { JsonObject } from '../matrix/schema.js';
import { Failure } from './command.js';
import { answerOf } from './registration-client.js';
import type { RunningServer } from './running-server.js';

/** Has a running server do something, signed with its secret; resolves to what it says of it. */
export async function callSigned<Done>({ url, secret }: RunningServer, deed: Deed, wish: JsonObject): Promise<Done> {
  const root = `${url.replace(/\/+$/, '')}/_synapse/admin/cloison/v1`;
  const { nonce, error } = await answerOf(`${root}/nonce`);
  if (nonce === undefined) throw new Failure(`The server takes no orders this way: ${error ?? 'it gives no nonce'}.`);
  const body = { ...wish, nonce, by: `${userInfo().username}@${hostname()}` };
  const done = await answerOf<Done>(`${root}/${deed}`, { ...body, mac: macOf(secret, deed, body) });
  if (done.errcode !== undefined) throw new Failure(`The server refuses: ${done.error ?? 'it does not say why'}.`);
  return done;
}

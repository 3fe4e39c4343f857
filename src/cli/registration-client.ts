import { createHmac } from 'node:crypto';
import { Failure } from './command.js';

export interface NewAccount {
  readonly username: string;
  readonly password: string;
  readonly admin: boolean;
  readonly userType?: string;
}

/** What this command looks at in an answer. */
interface Answer {
  readonly nonce?: string;
  readonly user_id?: string;
  readonly access_token?: string;
  readonly errcode?: string;
  readonly error?: string;
}

/**
 * Creates an account by the protocol of Synapse's `register_new_matrix_user`: a nonce, signed with the rest by the secret.
 * Resolves to the user id, or to undefined when the name is taken.
 */
export async function registerWithSecret(url: string, secret: string, account: NewAccount): Promise<string | undefined> {
  const endpoint = `${url.replace(/\/+$/, '')}/_synapse/admin/v1/register`;
  const { nonce, error } = await answerOf(endpoint);
  if (nonce === undefined) throw new Failure(`The server does not register accounts this way: ${error ?? 'it gives no nonce'}.`);
  const { username, password, admin, userType } = account;
  const signed = [nonce, username, password, admin ? 'admin' : 'notadmin', ...(userType === undefined ? [] : [userType])];
  const mac = createHmac('sha1', secret).update(signed.join('\0')).digest('hex');
  const created = await answerOf(endpoint, { nonce, username, password, admin, mac, ...(userType !== undefined && { user_type: userType }) });
  if (created.errcode === 'M_USER_IN_USE') return undefined;
  if (created.user_id === undefined) throw new Failure(`The server refuses the account: ${created.error ?? 'it does not say why'}.`);
  if (created.access_token !== undefined) await closeSession(url, created.access_token);
  return created.user_id;
}

/** An account comes with a session that nobody here would ever use. */
async function closeSession(url: string, token: string): Promise<void> {
  const headers = { Authorization: `Bearer ${token}` };
  await fetch(`${url.replace(/\/+$/, '')}/_matrix/client/v3/logout`, { method: 'POST', headers }).catch(() => undefined);
}

/** What the server says to a request without a body, or to one with that body as JSON. */
export async function answerOf<Body = unknown>(endpoint: string, body?: object): Promise<Answer & Body> {
  const request = body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(endpoint, request).catch((cause: unknown) => {
    throw new Failure(`No server answers at ${new URL(endpoint).origin}: is it running?`, { cause });
  });
  try {
    return (await response.json()) as Answer & Body;
  } catch {
    throw new Failure(`What answers at ${new URL(endpoint).origin} is no Matrix server (status ${response.status}).`);
  }
}

import { createHmac } from 'node:crypto';
import type { Clock } from '../matrix/clock.js';
import { forbidden } from '../matrix/errors.js';
import type { Session } from './session.js';

/** Where calls are relayed, and what proves to the relay that one may use it. */
export interface TurnServer {
  readonly uris: readonly string[];
  readonly login: { readonly secret: string } | { readonly username: string; readonly password: string };
  readonly lifetimeMs: number;
}

/**
 * Credentials for the relay of calls: good for a time where it shares a secret with this server, the same for everybody where it does
 * not. https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver
 */
export async function getTurnServer({ turnServer, clock }: { turnServer: TurnServer | undefined; clock: Clock }, { session }: { session: Session }): Promise<object> {
  // Clients take 403 for an answer and stop asking.
  if (turnServer === undefined) throw forbidden('This server has no TURN server');
  const { uris, login, lifetimeMs } = turnServer;
  const ttl = Math.floor(lifetimeMs / 1000);
  if (!('secret' in login)) return { ...login, uris, ttl };
  const username = `${Math.floor(clock() / 1000) + ttl}:${session.userId}`;
  // What coturn calls use-auth-secret: https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
  return { username, password: createHmac('sha1', login.secret).update(username).digest('base64'), uris, ttl };
}

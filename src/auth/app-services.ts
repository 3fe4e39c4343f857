import { MatrixError } from '../matrix/errors.js';
import { newUserId, serverOf, type ServerName, type UserId } from '../matrix/identifiers.js';
import { hashToken } from './tokens.js';

export interface Namespace {
  readonly regex: string;
  readonly exclusive: boolean;
}

/** What a registration file says. https://spec.matrix.org/v1.19/application-service-api/#registration */
export interface Registration {
  readonly file: string;
  readonly id: string;
  /** Undefined: it is told of nothing. */
  readonly url: string | undefined;
  readonly asToken: string;
  readonly hsToken: string;
  readonly senderLocalpart: string;
  readonly namespaces: { readonly users: readonly Namespace[]; readonly rooms: readonly Namespace[]; readonly aliases: readonly Namespace[] };
  readonly isRateLimited: boolean;
}

/** A service the operator registered. */
export interface AppService extends Registration {
  readonly sender: UserId;
  /** Whether a user id is its sender's, or in one of its namespaces. */
  covers(userId: UserId): boolean;
}

export interface AppServices {
  readonly all: readonly AppService[];
  byId(id: string): AppService | undefined;
  /** By hash, which every request makes of its token anyway; and looking it up takes no longer the more of it is right. */
  byTokenHash(tokenHash: string): AppService | undefined;
  /** Refuses a name that is a service's with M_EXCLUSIVE: no person may have it (RULES B14), nor any service but `registrant`. */
  refuseReserved(userId: UserId, registrant?: AppService): void;
}

export function createAppServices(registrations: readonly Registration[], serverName: ServerName): AppServices {
  const all = registrations.map((registration) => serviceOf(registration, serverName));
  const byHash = new Map(all.map((service) => [hashToken(service.asToken), service]));
  return {
    all,
    byId: (id) => all.find((service) => service.id === id),
    byTokenHash: (tokenHash) => byHash.get(tokenHash),
    refuseReserved: (userId, registrant) => {
      const isTaken = all.some((service) => service !== registrant && service.covers(userId));
      if (isTaken) throw new MatrixError('M_EXCLUSIVE', 'This user name is reserved for an application service');
    },
  };
}

function serviceOf(registration: Registration, serverName: ServerName): AppService {
  const sender = newUserId(registration.senderLocalpart, serverName);
  const patterns = registration.namespaces.users.map(({ regex }) => anchored(regex));
  return {
    ...registration,
    sender,
    covers: (userId) => serverOf(userId) === serverName && (userId === sender || patterns.some((pattern) => pattern.test(userId))),
  };
}

/** As Synapse reads it: from the beginning of an id, but not to its end. */
export function anchored(regex: string): RegExp {
  return new RegExp(`^(?:${regex})`);
}

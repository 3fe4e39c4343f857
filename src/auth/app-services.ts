import { MatrixError } from '../matrix/errors.js';
import { newUserId, serverOf, type RoomAlias, type ServerName, type UserId } from '../matrix/identifiers.js';
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
  /** Whether an alias is in one of its namespaces. */
  coversAlias(alias: RoomAlias): boolean;
  /** Whether it is in one that nobody else has anything to do in. */
  hasAlone(alias: RoomAlias): boolean;
}

export interface AppServices {
  readonly all: readonly AppService[];
  byId(id: string): AppService | undefined;
  /** By hash, which every request makes of its token anyway; and looking it up takes no longer the more of it is right. */
  byTokenHash(tokenHash: string): AppService | undefined;
  /** Refuses a name that is a service's with M_EXCLUSIVE: no person may have it (RULES B14), nor any service but `registrant`. */
  refuseReserved(userId: UserId, registrant?: AppService): void;
  /** Refuses to whom a new alias is not to belong, with M_EXCLUSIVE: to a service what is in none of its namespaces, and to everybody what is another's alone. */
  refuseForeignAlias(alias: RoomAlias, claimant: ServiceId | undefined): void;
  /** Refuses an alias that is another's alone, with M_EXCLUSIVE, whether or not it exists. */
  refuseReservedAlias(alias: RoomAlias, asking: ServiceId | undefined): void;
}

/** The service with whose token something is asked; people, and its users with a token of their own, have none. */
type ServiceId = Pick<AppService, 'id'>;

export function createAppServices(registrations: readonly Registration[], serverName: ServerName): AppServices {
  const all = registrations.map((registration) => serviceOf(registration, serverName));
  const byHash = new Map(all.map((service) => [hashToken(service.asToken), service]));
  const refuseReservedAlias: AppServices['refuseReservedAlias'] = (alias, asking) => {
    const isTaken = all.some((service) => service.id !== asking?.id && service.hasAlone(alias));
    if (isTaken) throw new MatrixError('M_EXCLUSIVE', 'This alias is reserved for an application service');
  };
  return {
    all,
    byId: (id) => all.find((service) => service.id === id),
    byTokenHash: (tokenHash) => byHash.get(tokenHash),
    refuseReserved: (userId, registrant) => {
      const isTaken = all.some((service) => service !== registrant && service.covers(userId));
      if (isTaken) throw new MatrixError('M_EXCLUSIVE', 'This user name is reserved for an application service');
    },
    refuseForeignAlias: (alias, claimant) => {
      const isOutside = claimant !== undefined && all.find(({ id }) => id === claimant.id)?.coversAlias(alias) !== true;
      if (isOutside) throw new MatrixError('M_EXCLUSIVE', 'This alias is in none of the namespaces of the application service');
      refuseReservedAlias(alias, claimant);
    },
    refuseReservedAlias,
  };
}

function serviceOf(registration: Registration, serverName: ServerName): AppService {
  const sender = newUserId(registration.senderLocalpart, serverName);
  const patterns = registration.namespaces.users.map(({ regex }) => anchored(regex));
  const aliases = registration.namespaces.aliases.map(({ regex, exclusive }) => ({ pattern: anchored(regex), exclusive }));
  return {
    ...registration,
    sender,
    covers: (userId) => serverOf(userId) === serverName && (userId === sender || patterns.some((pattern) => pattern.test(userId))),
    coversAlias: (alias) => aliases.some(({ pattern }) => pattern.test(alias)),
    hasAlone: (alias) => aliases.some(({ pattern, exclusive }) => exclusive && pattern.test(alias)),
  };
}

/** As Synapse reads it: from the beginning of an id, but not to its end. */
export function anchored(regex: string): RegExp {
  return new RegExp(`^(?:${regex})`);
}

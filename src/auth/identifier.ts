import type { ServerName } from '../matrix/identifiers.js';
import { object, optional, string, type TypeOf } from '../matrix/schema.js';

/** https://spec.matrix.org/v1.19/client-server-api/#identifier-types */
export const Identifier = object({ type: string, user: optional(string) });

export interface Naming {
  readonly identifier?: TypeOf<typeof Identifier>;
  /** What clients sent before `identifier` existed. */
  readonly user?: string;
}

/** What somebody typed as their name. E-mail addresses and telephone numbers are nobody's here. */
export function typedName({ identifier, user }: Naming): string | undefined {
  if (identifier === undefined) return user;
  return identifier.type === 'm.id.user' ? identifier.user : undefined;
}

/** The id of the account meant by a typed name, be it a bare localpart or a whole id, in capitals or not. */
export function accountIdOf(name: string, serverName: ServerName): string {
  const id = name.startsWith('@') ? name : `@${name}:${serverName}`;
  return id.replace(/^[^:]*/, lowerCase);
}

/** Only A-Z: other alphabets' letters are not allowed in names and must not turn into ones that are. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

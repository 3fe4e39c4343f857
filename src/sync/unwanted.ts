import type { UserId } from '../matrix/identifiers.js';
import { findGlobalData } from '../profile/account-data-store.js';
import { blocksInvites, IGNORED_USERS, ignoredIn, INVITE_PERMISSION } from '../rooms/unwanted.js';
import type { ReadTransaction } from '../storage/database.js';
import type { Notifier } from '../storage/stream.js';

/** What a person does not want to be told of. */
export interface Unwanted {
  /** Whose messages and invitations. https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
  readonly ignored: ReadonlySet<string>;
  /** All invitations. https://spec.matrix.org/v1.19/client-server-api/#invite-permission */
  readonly blocksInvites: boolean;
}

const MAX_PEOPLE = 10_000;

/** Kept between polls; an entry holds until the notifier says that its person's account data moved. */
export class UnwantedOf {
  readonly #kept = new Map<number, { readonly asOf: number; readonly unwanted: Unwanted }>();

  constructor(private readonly notifier: Notifier) {}

  /** What is known without asking the database. */
  known(userNid: number): Unwanted | undefined {
    const kept = this.#kept.get(userNid);
    return kept === undefined || this.notifier.movedSince('account', userNid, kept.asOf) ? undefined : kept.unwanted;
  }

  /** `upTo` was the newest position heard of before the snapshot of `tx` was taken. */
  async of(tx: ReadTransaction, { userNid, userId }: { userNid: number; userId: UserId }, upTo: number): Promise<Unwanted> {
    const known = this.known(userNid);
    if (known !== undefined) return known;
    const set = await findGlobalData(tx, userNid, [IGNORED_USERS, INVITE_PERMISSION]);
    const unwanted = { ignored: new Set(ignoredIn(set.get(IGNORED_USERS), userId)), blocksInvites: blocksInvites(set.get(INVITE_PERMISSION)) };
    this.#kept.delete(userNid);
    this.#kept.set(userNid, { asOf: upTo, unwanted });
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MAX_PEOPLE && oldest.done !== true) this.#kept.delete(oldest.value);
    return unwanted;
  }
}

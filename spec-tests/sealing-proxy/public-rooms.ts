import { OWN_INVITATION } from './answers.js';
import type { Upstream } from './upstream.js';

/** Somebody in a room: who may invite others into it. */
export interface Member {
  readonly upstream: Upstream;
  readonly token: string;
}

/** The rooms that were asked to be public, who is in them, and the aliases of rooms. */
export class PublicRooms {
  readonly #members = new Map<string, Member[]>();
  readonly #aliases = new Map<string, string>();

  open(roomId: string, member: Member): void {
    if (!this.#members.has(roomId)) this.#members.set(roomId, [member]);
  }

  /** Its join rule became another. */
  close(roomId: string): void {
    this.#members.delete(roomId);
  }

  isOpen(roomId: string): boolean {
    return this.#members.has(roomId);
  }

  /** Somebody came in, and may let in others when its creator is gone. */
  entered(roomId: string, member: Member): void {
    const members = this.#members.get(roomId);
    if (members?.some(({ token }) => token === member.token) === false) members.push(member);
  }

  name(alias: string, roomId: string): void {
    this.#aliases.set(alias, roomId);
  }

  unname(alias: string): void {
    this.#aliases.delete(alias);
  }

  roomOf(alias: string): string | undefined {
    return this.#aliases.get(alias);
  }

  /** Has somebody invited by whichever member may, the creator first; false when nobody can. */
  async invite(roomId: string, userId: string): Promise<boolean> {
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/invite`;
    for (const { upstream, token } of this.#members.get(roomId) ?? []) {
      const { status } = await upstream.ask('POST', path, token, { user_id: userId, reason: OWN_INVITATION });
      if (status === 200) return true;
    }
    return false;
  }
}

import { roomVersion } from '../matrix/room-versions.js';
import { redactedText } from './event-text.js';
import type { EventRow } from './events-store.js';
import type { ErasedMember } from './memberships-store.js';
import type { StateStretch } from './state-store.js';
import { visibilityOf, type Visibility } from './visibility.js';

/** What one person may see of a room, and what of it they see redacted. */
export interface Sight extends Visibility {
  /** The text an event is shown with in place of its own; absent in rooms nobody of whom was erased, which is nearly all. */
  readonly erasedText: ((row: EventRow) => string | undefined) | undefined;
}

/**
 * Whoever could see an event before its sender was erased sees it still; who joined later sees a redacted copy.
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export function sightOf(stretches: readonly StateStretch[], erased: readonly ErasedMember[]): Sight {
  return { ...visibilityOf(stretches), erasedText: erased.length === 0 ? undefined : erasedTextFor(stretches, erased) };
}

function erasedTextFor(stretches: readonly StateStretch[], erased: readonly ErasedMember[]): Sight['erasedText'] {
  const members = new Map(erased.map((member) => [member.user_nid, { ...member, seenBefore: visibilityOf(asOf(stretches, member.erased_seq)) }]));
  return (row) => {
    const sender = members.get(row.sender_nid);
    if (sender === undefined || isOfRoom(row) || sender.seenBefore.sees(row.seq)) return undefined;
    return redactedText(row.json, roomVersion(sender.room_version));
  };
}

/** The same history as it was known just after an event. */
function asOf(stretches: readonly StateStretch[], seq: number): readonly StateStretch[] {
  return stretches
    .filter(({ since_seq }) => since_seq <= seq)
    .map((stretch) => (stretch.until_seq !== null && stretch.until_seq > seq ? { ...stretch, until_seq: null } : stretch));
}

/** A room's name, its powers and its encryption are the room's, whoever set them: without them a newcomer would find no sealed room. */
function isOfRoom({ state_type }: EventRow): boolean {
  return state_type !== null && state_type !== 'm.room.member';
}

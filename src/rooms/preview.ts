import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';
import { allowedRoomIds } from '../policy/state.js';
import type { ReadTransaction } from '../storage/database.js';
import { joinedAmong, previewState, roomsForPreview, type PreviewRoom, type PreviewState } from './preview-store.js';

/** A room as somebody may see it who perhaps is not in it. */
export interface Preview {
  readonly nid: number;
  readonly roomId: RoomId;
  readonly membership: string | undefined;
  readonly summary: JsonObject;
  readonly stateOf: (type: string) => readonly PreviewState[];
}

/**
 * Rooms as far as they are open to somebody (RULES A9): those they are in or invited to; those that a restricted rule lets them into;
 * and, with nothing but that one may knock, knockable rooms that name a space they are in. Others are left out.
 */
export async function previewsOf(tx: ReadTransaction, roomIds: readonly string[], session: Session): Promise<ReadonlyMap<string, Preview>> {
  const rooms = await roomsForPreview(tx, roomIds, session.userNid);
  const state = await previewState(tx, rooms.map(({ room_nid }) => room_nid));
  const byRoom = new Map<number, PreviewState[]>();
  for (const entry of state) byRoom.set(entry.room_nid, [...(byRoom.get(entry.room_nid) ?? []), entry]);
  const named = [...byRoom.values()].flat().flatMap((entry) => namedRooms(entry));
  const mine = await joinedAmong(tx, session.userNid, named);
  const previews = rooms.flatMap((room) => previewOf(room, byRoom.get(room.room_nid) ?? [], mine) ?? []);
  return new Map(previews.map((preview) => [preview.roomId, preview]));
}

/** The rooms whose members a join rule lets in, or which a room calls its parents. */
function namedRooms({ type, state_key, content }: PreviewState): readonly string[] {
  if (type === 'm.room.join_rules') return allowedRoomIds(JSON.parse(content) as JsonObject);
  return type === 'm.space.parent' ? [state_key] : [];
}

function previewOf(room: PreviewRoom, state: readonly PreviewState[], mine: ReadonlySet<string>): Preview | undefined {
  const stateOf = (type: string): readonly PreviewState[] => state.filter((entry) => entry.type === type);
  const content = (type: string): JsonObject => {
    const [entry] = stateOf(type);
    return entry === undefined ? {} : (JSON.parse(entry.content) as JsonObject);
  };
  const joinRules = content('m.room.join_rules');
  const common = { nid: room.room_nid, roomId: room.room_id, membership: room.membership ?? undefined };
  const isIn = room.membership === 'join' || room.membership === 'invite';
  const rule = joinRules['join_rule'];
  const isLetIn = (rule === 'restricted' || rule === 'knock_restricted') && allowedRoomIds(joinRules).some((id) => mine.has(id));
  if (room.membership !== 'ban' && (isIn || isLetIn)) return { ...common, stateOf, summary: fullSummary(room, content) };
  const isKnockable = (rule === 'knock' || rule === 'knock_restricted') && stateOf('m.space.parent').some(({ state_key }) => mine.has(state_key));
  if (room.membership === 'ban' || !isKnockable) return undefined;
  return { ...common, stateOf: () => [], summary: { room_id: room.room_id, join_rule: rule, ...NOBODY_SEES, num_joined_members: 0 } };
}

const NOBODY_SEES = { world_readable: false, guest_can_join: false };

function fullSummary(room: PreviewRoom, content: (type: string) => JsonObject): JsonObject {
  const joinRules = content('m.room.join_rules');
  const allowed = allowedRoomIds(joinRules);
  const members: Record<string, JsonValue | undefined> = {
    room_id: room.room_id,
    name: content('m.room.name')['name'],
    topic: content('m.room.topic')['topic'],
    avatar_url: content('m.room.avatar')['url'],
    canonical_alias: content('m.room.canonical_alias')['alias'],
    join_rule: joinRules['join_rule'],
    room_type: content('m.room.create')['type'],
    room_version: room.room_version,
    encryption: content('m.room.encryption')['algorithm'],
    num_joined_members: room.joined,
    ...NOBODY_SEES,
    allowed_room_ids: allowed.length === 0 ? undefined : [...allowed],
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== ''));
}

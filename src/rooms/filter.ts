import { MatrixError } from '../matrix/errors.js';
import { array, boolean, integer, object, optional, string, text, type TypeOf } from '../matrix/schema.js';

// An id that cannot be one would silently filter nothing, or everything.
const userIds = array(text({ pattern: '^@[^\\s\\u0000]*:[^\\s\\u0000]+$' }));
const roomIds = array(text({ pattern: '^![^\\s\\u0000]+$' }));

const eventFilter = {
  limit: optional(integer),
  types: optional(array(string)),
  not_types: optional(array(string)),
  senders: optional(userIds),
  not_senders: optional(userIds),
};
const roomEventFilter = {
  ...eventFilter,
  rooms: optional(roomIds),
  not_rooms: optional(roomIds),
  contains_url: optional(boolean),
  lazy_load_members: optional(boolean),
  include_redundant_members: optional(boolean),
  unread_thread_notifications: optional(boolean),
};

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter */
export const FilterSchema = object({
  event_fields: optional(array(string)),
  event_format: optional(string),
  presence: optional(object(eventFilter)),
  account_data: optional(object(eventFilter)),
  room: optional(
    object({
      rooms: optional(roomIds),
      not_rooms: optional(roomIds),
      include_leave: optional(boolean),
      account_data: optional(object(roomEventFilter)),
      ephemeral: optional(object(roomEventFilter)),
      state: optional(object(roomEventFilter)),
      timeline: optional(object(roomEventFilter)),
    }),
  ),
});
export const RoomEventFilterSchema = object(roomEventFilter);
export type Filter = TypeOf<typeof FilterSchema>;
export type EventFilter = TypeOf<typeof RoomEventFilterSchema>;

/** What a filter looks at. `rooms` of an event filter are looked at by `wantsRoom`. */
export interface Filterable {
  readonly type: string;
  readonly sender?: string;
  /** Of room events: whether there is a `url` in the content. */
  readonly hasUrl?: boolean;
}

/** Whether an event passes; without a filter all do. In a type `*` stands for anything. */
export function passes(filter: EventFilter | undefined, event: Filterable): boolean {
  if (filter === undefined) return true;
  if (filter.types !== undefined && !filter.types.some((pattern) => matchesType(pattern, event.type))) return false;
  if (filter.not_types?.some((pattern) => matchesType(pattern, event.type)) === true) return false;
  if (filter.contains_url !== undefined && event.hasUrl !== undefined && event.hasUrl !== filter.contains_url) return false;
  if (event.sender === undefined) return true;
  if (filter.senders !== undefined && !filter.senders.includes(event.sender)) return false;
  return filter.not_senders?.includes(event.sender) !== true;
}

export function wantsRoom(filter: { rooms?: readonly string[]; not_rooms?: readonly string[] } | undefined, roomId: string): boolean {
  if (filter?.not_rooms?.includes(roomId) === true) return false;
  return filter?.rooms === undefined || filter.rooms.includes(roomId);
}

/** Whether the filter lets every event pass, so that none need be looked at. */
export function letsAllPass(filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true;
  const { types, not_types, senders, not_senders, contains_url } = filter;
  return [types, not_types, senders, not_senders, contains_url].every((condition) => condition === undefined);
}

/** A limit within reason, whatever is asked. */
export function limitOf(filter: EventFilter | undefined, usual: number, most: number): number {
  const limit = filter?.limit ?? usual;
  if (limit < 0) throw new MatrixError('M_INVALID_PARAM', 'limit must not be negative');
  return Math.min(Math.max(limit, 1), most);
}

function matchesType(pattern: string, type: string): boolean {
  if (!pattern.includes('*')) return pattern === type;
  const [head = '', ...tail] = pattern.split('*');
  if (!type.startsWith(head)) return false;
  let at = head.length;
  for (const part of tail.slice(0, -1)) {
    const found = type.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = tail.at(-1) ?? '';
  return type.length - last.length >= at && type.endsWith(last);
}

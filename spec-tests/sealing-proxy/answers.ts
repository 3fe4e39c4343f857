import { isList, isObject, type JsonObject, type JsonValue } from './exact-json.js';
import { openMessage } from './message.js';

/** Says of an invitation that the proxy made it, for a room that was asked to be public. */
export const OWN_INVITATION = 'The sealing proxy lets somebody into a room that was asked to be public';

/**
 * An answer as it would be without encryption: sealed events are opened wherever they stand, and the proxy's own invitations are left out.
 * The very value it was given where there is nothing to change.
 */
export function revealed(key: Buffer, value: JsonValue): JsonValue {
  if (isList(value)) return revealedList(key, value);
  return isObject(value) ? revealedObject(key, value) : value;
}

function revealedList(key: Buffer, list: readonly JsonValue[]): readonly JsonValue[] {
  const changed = list.filter((item) => !isOwnInvitation(item)).map((item) => revealed(key, item));
  return changed.length === list.length && changed.every((item, i) => item === list[i]) ? list : changed;
}

function revealedObject(key: Buffer, object: JsonObject): JsonObject {
  const isEvent = typeof object['type'] === 'string' && isObject(object['content']);
  const entries = Object.entries(object).filter(([, value]) => !isRoomOfOwnInvitation(value));
  // What somebody wrote is shown as it was written, whatever it looks like.
  const changed = entries.map(([name, value]): [string, JsonValue] => [name, isEvent && name === 'content' ? value : revealed(key, value)]);
  const isSame = changed.length === Object.keys(object).length && changed.every(([name, value]) => value === object[name]);
  const shown = isSame ? object : Object.fromEntries(changed);
  return isEvent ? withoutOwnPast(opened(key, shown)) : shown;
}

function opened(key: Buffer, event: JsonObject): JsonObject {
  const message = event['type'] === 'm.room.encrypted' ? openMessage(key, event['content']) : undefined;
  return message === undefined ? event : { ...event, ...message };
}

/** A join that followed an invitation of the proxy says nothing of it. */
function withoutOwnPast(event: JsonObject): JsonObject {
  const { unsigned } = event;
  if (event['type'] !== 'm.room.member' || !isObject(unsigned) || !isMarked(unsigned['prev_content'])) return event;
  const { prev_content: _, prev_sender: __, replaces_state: ___, ...rest } = unsigned;
  return { ...event, unsigned: rest };
}

function isOwnInvitation(event: JsonValue): boolean {
  return isObject(event) && event['type'] === 'm.room.member' && isMarked(event['content']);
}

function isMarked(content: JsonValue | undefined): boolean {
  return isObject(content) && content['membership'] === 'invite' && content['reason'] === OWN_INVITATION;
}

/** Of `/sync` the state is an object with a list in it, of sliding sync a list. */
function isRoomOfOwnInvitation(room: JsonValue): boolean {
  if (!isObject(room)) return false;
  const state = room['invite_state'];
  const events = isObject(state) ? state['events'] : state;
  return isList(events) && events.some(isOwnInvitation);
}

import { isList, isObject, parseJson, type JsonObject, type JsonValue } from './exact-json.js';

/**
 * A filter of events as the server must be asked: the types and the `url` of what is sealed it cannot see.
 * https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export function widened(filter: JsonObject): JsonObject {
  const { types, not_types, contains_url, ...rest } = filter;
  return {
    ...rest,
    ...(types === undefined ? {} : { types: withEncrypted(types) }),
    ...(not_types === undefined ? {} : { not_types: withoutEncrypted(not_types) }),
    // What is no boolean is for the server to refuse.
    ...(contains_url === undefined || typeof contains_url === 'boolean' ? {} : { contains_url }),
  };
}

/** A filter of `/sync` with its timeline widened; nothing else of it looks at messages. */
export function widenedForSync(filter: JsonObject): JsonObject {
  const { room } = filter;
  const timeline = timelineFilter(filter);
  return isObject(room) && timeline !== undefined ? { ...filter, room: { ...room, timeline: widened(timeline) } } : filter;
}

/** The part of a filter of `/sync` that messages must pass. */
export function timelineFilter(filter: JsonObject): JsonObject | undefined {
  const timeline = isObject(filter['room']) ? filter['room']['timeline'] : undefined;
  return isObject(timeline) && looksAtMessages(timeline) ? timeline : undefined;
}

/** Whether what the filter asks can only be judged once messages are open. */
export function looksAtMessages({ types, not_types, contains_url }: JsonObject): boolean {
  return types !== undefined || not_types !== undefined || contains_url !== undefined;
}

/** Whether an opened event passes. */
export function passes({ types, not_types, contains_url }: JsonObject, event: JsonValue): boolean {
  if (!isObject(event) || typeof event['type'] !== 'string') return true;
  const { type, content } = event;
  if (isList(types) && !types.some((pattern) => matches(pattern, type))) return false;
  if (isList(not_types) && not_types.some((pattern) => matches(pattern, type))) return false;
  return typeof contains_url !== 'boolean' || contains_url === (isObject(content) && typeof content['url'] === 'string');
}

/** What is in a `filter` parameter when it is a filter and not the id of one. */
export function inlineFilter(parameter: string | null): JsonObject | undefined {
  const filter = parameter === null ? undefined : parseJson(parameter);
  return isObject(filter) ? filter : undefined;
}

function withEncrypted(types: JsonValue): JsonValue {
  // An empty list lets nothing pass, sealed or not.
  if (!isList(types) || types.length === 0 || types.some((pattern) => matches(pattern, 'm.room.encrypted'))) return types;
  return [...types, 'm.room.encrypted'];
}

function withoutEncrypted(types: JsonValue): JsonValue {
  return isList(types) ? types.filter((pattern) => !matches(pattern, 'm.room.encrypted')) : types;
}

/** In a type of a filter `*` stands for anything. */
function matches(pattern: JsonValue, type: string): boolean {
  if (typeof pattern !== 'string') return false;
  const source = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')).join('.*');
  return new RegExp(`^${source}$`, 's').test(type);
}

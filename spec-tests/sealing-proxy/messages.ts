import { revealed } from './answers.js';
import { editJson, param, query, withJson, withQuery, withSegment, type Call, type Handler } from './call.js';
import { inlineFilter, looksAtMessages, passes, timelineFilter, widened, widenedForSync } from './filters.js';
import { isList, isObject, objectIn, writeJson, type JsonObject, type JsonValue } from './exact-json.js';
import { isSealedOnTheWay, sealMessage } from './message.js';

/** Seals whatever may not stand in the clear. The path goes with it even where the body is none, so that a repeated request finds its first. */
export const sendMessage: Handler = async (call, next) => {
  const type = param(call, 'eventType');
  if (!isSealedOnTheWay(type)) return next(call);
  const rewritten = withSegment(call, 2, 'm.room.encrypted');
  const content = objectIn(call.body);
  if (content === undefined) return next(rewritten);
  return next(withJson(rewritten, sealMessage(call.shared.messageKey, param(call, 'roomId'), type, content, call.body.toString('utf8'))));
};

/** Opens what is in an answer. */
export const read: Handler = async (call, next) => reveal(call, await next(call));

/** `/messages` and `/context`, whose filter is of events. */
export const readFiltered: Handler = async (call, next) => {
  const parameters = query(call);
  const filter = inlineFilter(parameters.get('filter'));
  if (filter === undefined || !looksAtMessages(filter)) return read(call, next);
  parameters.set('filter', writeJson(widened(filter)));
  const answer = await read(withQuery(call, parameters), next);
  return editJson(answer, (body) => ['chunk', 'events_before', 'events_after'].reduce((shown, member) => withPassing(shown, member, filter), body));
};

/** A filter that looks at messages goes along inline and widened, be it stored or not: what is stored stays as the client wrote it. */
export const sync: Handler = async (call, next) => {
  const parameters = query(call);
  const filter = inlineFilter(parameters.get('filter')) ?? (await storedFilter(call, parameters.get('filter')));
  const timeline = filter === undefined ? undefined : timelineFilter(filter);
  if (filter === undefined || timeline === undefined) return read(call, next);
  parameters.set('filter', writeJson(widenedForSync(filter)));
  const answer = await read(withQuery(call, parameters), next);
  return editJson(answer, (body) => withPassingTimelines(body, timeline));
};

/** Relations of one type of event: asked of the server as ciphertext, and picked when they are open. */
export const readRelationsOfType: Handler = async (call, next) => {
  const type = param(call, 'eventType');
  if (!isSealedOnTheWay(type)) return read(call, next);
  const answer = await read(withSegment(call, 1, 'm.room.encrypted'), next);
  return editJson(answer, (body) => withPassing(body, 'chunk', { types: [type] }));
};

function reveal(call: Call, answer: Parameters<typeof editJson>[0]): ReturnType<typeof editJson> {
  return editJson(answer, (body) => revealed(call.shared.messageKey, body));
}

async function storedFilter({ upstream, token }: Call, filterId: string | null): Promise<JsonObject | undefined> {
  if (filterId === null || filterId === '' || filterId.startsWith('{') || token === undefined) return undefined;
  const userId = await upstream.userOf(token);
  if (userId === undefined) return undefined;
  const { status, body } = await upstream.ask('GET', `/v3/user/${encodeURIComponent(userId)}/filter/${encodeURIComponent(filterId)}`, token);
  return status === 200 ? body : undefined;
}

function withPassing(body: JsonValue, member: string, filter: JsonObject): JsonValue {
  if (!isObject(body)) return body;
  const events = body[member];
  return isList(events) ? { ...body, [member]: events.filter((event) => passes(filter, event)) } : body;
}

function withPassingTimelines(body: JsonValue, filter: JsonObject): JsonValue {
  if (!isObject(body) || !isObject(body['rooms'])) return body;
  const inRooms = (rooms: JsonValue): JsonValue => mapped(rooms, (room) => (isObject(room) && isObject(room['timeline'])
    ? { ...room, timeline: withPassing(room['timeline'], 'events', filter) } : room));
  const { join, leave, ...rest } = body['rooms'];
  return { ...body, rooms: { ...rest, ...(join === undefined ? {} : { join: inRooms(join) }), ...(leave === undefined ? {} : { leave: inRooms(leave) }) } };
}

function mapped(object: JsonValue, change: (value: JsonValue) => JsonValue): JsonValue {
  return isObject(object) ? Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)])) : object;
}

import { successOf, param, withJson, withSegment, type Call, type Handler, type Next } from './call.js';
import { privateContent, privateCreation } from './creation.js';
import { objectIn, type JsonValue } from './exact-json.js';
import type { Answer } from './upstream.js';

/** Founds a private room where a public one was wished for, and remembers that anybody may come in. */
export const createRoom: Handler = async (call, next) => {
  const wish = objectIn(call.body);
  if (wish === undefined) return next(call);
  const { body, isPublic } = privateCreation(wish);
  const answer = await next(withJson(call, body));
  const roomId = textOf(successOf(answer)?.['room_id']);
  if (roomId === undefined || call.token === undefined) return answer;
  if (isPublic) call.shared.rooms.open(roomId, { upstream: call.upstream, token: call.token });
  const localpart = wish['room_alias_name'];
  const creator = typeof localpart === 'string' ? await call.upstream.userOf(call.token) : undefined;
  if (creator !== undefined) call.shared.rooms.name(`#${String(localpart)}:${serverOf(creator)}`, roomId);
  return answer;
};

/** What replaces a room that anybody could join is as open as it was. */
export const upgradeRoom: Handler = async (call, next) => {
  const answer = await next(call);
  const roomId = textOf(successOf(answer)?.['replacement_room']);
  if (roomId === undefined || call.token === undefined || !call.shared.rooms.isOpen(param(call, 'roomId'))) return answer;
  call.shared.rooms.open(roomId, { upstream: call.upstream, token: call.token });
  return answer;
};

/** Opens or closes a room to everybody by its join rule; its history stays with its members. */
export const setState: Handler = async (call, next) => {
  const content = objectIn(call.body);
  const type = param(call, 'eventType');
  if (content === undefined) return next(call);
  const allowed = privateContent(type, content);
  const answer = await next(allowed === content ? call : withJson(call, allowed));
  if (type !== 'm.room.join_rules' || answer.status !== 200 || call.token === undefined) return answer;
  const { rooms } = call.shared;
  if (content['join_rule'] === 'public') rooms.open(param(call, 'roomId'), { upstream: call.upstream, token: call.token });
  else rooms.close(param(call, 'roomId'));
  return answer;
};

export const setAlias: Handler = async (call, next) => {
  const answer = await next(call);
  const roomId = textOf(objectIn(call.body)?.['room_id']);
  if (answer.status === 200 && roomId !== undefined) call.shared.rooms.name(param(call, 'roomAlias'), roomId);
  return answer;
};

export const removeAlias: Handler = async (call, next) => {
  const answer = await next(call);
  if (answer.status === 200) call.shared.rooms.unname(param(call, 'roomAlias'));
  return answer;
};

/**
 * Joins, and where the server wants an invitation for a room that was asked to be public, gets one and joins again. Only a join that
 * was refused needs one: who is in already, or was banned, gets the server's own answer.
 */
export const joinRoom: Handler = async (call, next) => {
  const { rooms } = call.shared;
  const named = param(call, 'room');
  const roomId = named.startsWith('#') ? rooms.roomOf(named) : named;
  const answer = await next(call);
  const final = [403, 404].includes(answer.status) && roomId !== undefined ? (await joinInvited(call, next, roomId)) ?? answer : answer;
  if (final.status === 200 && roomId !== undefined && call.token !== undefined) rooms.entered(roomId, { upstream: call.upstream, token: call.token });
  return final;
};

async function joinInvited(call: Call, next: Next, roomId: string): Promise<Answer | undefined> {
  if (call.token === undefined || !call.shared.rooms.isOpen(roomId)) return undefined;
  const userId = await call.upstream.userOf(call.token);
  if (userId === undefined || !(await call.shared.rooms.invite(roomId, userId))) return undefined;
  return next(param(call, 'room') === roomId ? call : withSegment(call, 1, roomId));
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function serverOf(userId: string): string {
  return userId.slice(userId.indexOf(':') + 1);
}

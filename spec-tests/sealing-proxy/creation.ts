import { isList, isObject, type JsonObject, type JsonValue } from './exact-json.js';

/** A wish for a room as a sealed server grants it, and whether anybody was to be able to join. */
export interface Creation {
  readonly body: JsonObject;
  readonly isPublic: boolean;
}

/**
 * Turns the wish for a public room into one for a private room whose members are let in by the proxy. What else the wish says, and the
 * invite level that comes with the preset, stays. https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function privateCreation(wish: JsonObject): Creation {
  const { preset, visibility, initial_state } = wish;
  const isPublicChat = preset === 'public_chat' || (preset === undefined && visibility === 'public');
  const joinRule = isList(initial_state) ? initial_state.map(joinRuleIn).findLast((rule) => rule !== undefined) : undefined;
  const isPublic = joinRule === undefined ? isPublicChat : joinRule === 'public';
  return {
    isPublic,
    body: {
      ...wish,
      ...(isPublicChat ? { preset: 'private_chat', ...withInviteLevel(wish['power_level_content_override']) } : {}),
      ...(visibility === 'public' ? { visibility: 'private' } : {}),
      ...(isList(initial_state) ? { initial_state: initial_state.map(privateState) } : {}),
    },
  };
}

/** The content of a state event as a sealed room can have it. */
export function privateContent(type: string, content: JsonObject): JsonObject {
  if (type === 'm.room.join_rules' && content['join_rule'] === 'public') return { ...content, join_rule: 'invite' };
  if (type === 'm.room.history_visibility' && content['history_visibility'] === 'world_readable') return { ...content, history_visibility: 'shared' };
  return content;
}

function privateState(event: JsonValue): JsonValue {
  if (!isObject(event) || typeof event['type'] !== 'string' || !isObject(event['content'])) return event;
  return { ...event, content: privateContent(event['type'], event['content']) };
}

function joinRuleIn(event: JsonValue): JsonValue | undefined {
  if (!isObject(event) || event['type'] !== 'm.room.join_rules' || (event['state_key'] ?? '') !== '') return undefined;
  return isObject(event['content']) ? event['content']['join_rule'] : undefined;
}

/** In a public room of old a moderator invites; in a private one everybody may. */
function withInviteLevel(override: JsonValue | undefined): JsonObject {
  if (override === undefined) return { power_level_content_override: { invite: 50 } };
  return isObject(override) ? { power_level_content_override: { invite: 50, ...override } } : {};
}

import { objectIn, isObject } from './exact-json.js';
import { param, type Call, type Handler } from './call.js';

/**
 * Looks people up by their whole ids, as a client does before it speaks to somebody new. Each time: whether two people still share a
 * room only the server knows, and asking about somebody known costs nothing.
 */
async function introduce({ upstream, token }: Call, userIds: readonly string[]): Promise<void> {
  if (token === undefined) return;
  for (const userId of userIds) await upstream.ask('POST', '/v3/user_directory/search', token, { search_term: userId, limit: 1 });
}

/** Introduces those whose ids are the names of one object in the body. */
export function introducing(member: 'device_keys' | 'one_time_keys' | 'messages'): Handler {
  return async (call, next) => {
    const people = objectIn(call.body)?.[member];
    if (isObject(people)) await introduce(call, Object.keys(people));
    return next(call);
  };
}

export const readProfile: Handler = async (call, next) => {
  await introduce(call, [param(call, 'userId')]);
  return next(call);
};

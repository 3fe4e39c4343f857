import { objectIn, isObject } from './exact-json.js';
import { param, type Call, type Handler } from './call.js';

/** Who was introduced to whom, so that it is done once. */
export class Introductions {
  readonly #done = new Set<string>();

  /** Looks people up by their whole ids, as a client does before it speaks to somebody new. */
  async make({ upstream, token }: Pick<Call, 'upstream' | 'token'>, userIds: readonly string[]): Promise<void> {
    if (token === undefined) return;
    for (const userId of new Set(userIds)) {
      const done = `${upstream.baseUrl} ${token} ${userId}`;
      if (this.#done.has(done) || !/^@[^\0]+:/.test(userId)) continue;
      const { body } = await upstream.ask('POST', '/v3/user_directory/search', token, { search_term: userId, limit: 1 });
      // Who does not exist yet may exist later.
      if (Array.isArray(body['results']) && body['results'].length > 0) this.#done.add(done);
    }
  }
}

/** Introduces those whose ids are the names of one object in the body. */
export function introducing(member: 'device_keys' | 'one_time_keys' | 'messages'): Handler {
  return async (call, next) => {
    const people = objectIn(call.body)?.[member];
    if (isObject(people)) await call.shared.introductions.make(call, Object.keys(people));
    return next(call);
  };
}

export const readProfile: Handler = async (call, next) => {
  await call.shared.introductions.make(call, [param(call, 'userId')]);
  return next(call);
};

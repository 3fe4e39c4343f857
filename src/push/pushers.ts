import type { Session } from '../auth/session.js';
import { MatrixError } from '../matrix/errors.js';
import { anyObject, boolean, either, nothing, object, optional, string, text, type JsonObject, type TypeOf } from '../matrix/schema.js';
import type { Clock } from '../matrix/clock.js';
import { markPushers } from '../rooms/memberships-store.js';
import type { Database } from '../storage/database.js';
import { newNid } from '../storage/stream.js';
import { parseGateway, type Gateways } from './gateways.js';
import { deletePusher, deletePushersOfOthers, pushersOf, savePusher, type PusherRow } from './pushers-store.js';

interface Deps {
  readonly db: Database;
  readonly clock: Clock;
  readonly gateways: Gateways;
}

const shortText = text({ maxLength: 255 });

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset */
export const PusherBody = object({
  kind: either(string, nothing),
  app_id: text({ minLength: 1, maxLength: 64 }),
  pushkey: text({ minLength: 1, maxLength: 512 }),
  app_display_name: optional(shortText),
  device_display_name: optional(shortText),
  profile_tag: optional(shortText),
  lang: optional(shortText),
  data: optional(anyObject),
  append: optional(boolean),
});
type Wish = TypeOf<typeof PusherBody>;

const MOST_PUSHERS = 50;
const MOST_DATA = 4096;

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers */
export async function listPushers({ db }: Pick<Deps, 'db'>, { session }: { session: Session }): Promise<object> {
  return { pushers: (await db.read((tx) => pushersOf(tx, session.userNid))).map(shown) };
}

/**
 * Sets a pusher of this session, or deletes one of this person. Whatever format is asked for, a push carries the id of its event and
 * nothing of it; it goes to no gateway but those the operator lists, and ends with the session (RULES B11).
 * https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset
 */
export async function setPusher({ db, clock, gateways }: Deps, { session, body }: { session: Session; body: Wish }): Promise<object> {
  const key = { appId: body.app_id, pushkey: withinBytes(body.pushkey) };
  if (body.kind === null) {
    await db.transaction((tx) => deletePusher(tx, session.userNid, key));
    return {};
  }
  const stated = parsePusher(body, gateways);
  await db.transaction(async (tx) => {
    // The nid before the rows: whoever draws one holds the stream, and so do all who change pushers.
    const pusher_nid = await newNid(tx);
    const own = await pushersOf(tx, session.userNid);
    const isKnown = own.some(({ app_id, pushkey }) => app_id === key.appId && pushkey === key.pushkey);
    if (!isKnown && own.length >= MOST_PUSHERS) throw new MatrixError('M_INVALID_PARAM', `You have ${MOST_PUSHERS} pushers, which is the most there can be`);
    if (body.append !== true) await deletePushersOfOthers(tx, session.userNid, key);
    await savePusher(tx, { ...stated, pusher_nid, userNid: session.userNid, deviceNid: session.deviceNid, sessionNid: session.sessionNid, now: clock() });
    await markPushers(tx, session.userNid);
  });
  return {};
}

type Stated = Omit<PusherRow, 'pusher_nid' | 'profile_tag'> & { readonly profile_tag: string | undefined };

function parsePusher(body: Wish, gateways: Gateways): Stated {
  if (body.kind === 'email') throw new MatrixError('M_INVALID_PARAM', 'This server sends no notifications by e-mail');
  if (body.kind !== 'http') throw new MatrixError('M_INVALID_PARAM', 'The kind of a pusher is "http", or null to delete it');
  const { app_display_name, device_display_name, lang, data } = body;
  if (app_display_name === undefined || device_display_name === undefined || lang === undefined || data === undefined) {
    const missing = (['app_display_name', 'device_display_name', 'lang', 'data'] as const).filter((name) => body[name] === undefined);
    throw new MatrixError('M_MISSING_PARAM', `Missing parameters: ${missing.join(', ')}`);
  }
  const { url, ...rest } = data;
  const { app_id, pushkey, profile_tag } = body;
  return { app_id, pushkey, app_display_name, device_display_name, lang, profile_tag, data: dataText(rest), url: parseGateway(url, gateways) };
}

function dataText(data: JsonObject): string {
  const kept = JSON.stringify({ ...data, format: 'event_id_only' });
  if (Buffer.byteLength(kept) > MOST_DATA) throw new MatrixError('M_INVALID_PARAM', `data may have at most ${MOST_DATA} bytes`);
  return kept;
}

function withinBytes(pushkey: string): string {
  if (Buffer.byteLength(pushkey) > 512) throw new MatrixError('M_INVALID_PARAM', 'A pushkey may have at most 512 bytes');
  return pushkey;
}

function shown({ pushkey, app_id, app_display_name, device_display_name, profile_tag, lang, url, data }: PusherRow): object {
  return {
    pushkey,
    kind: 'http',
    app_id,
    app_display_name,
    device_display_name,
    ...(profile_tag === null ? {} : { profile_tag }),
    lang,
    data: { url, ...(JSON.parse(data) as JsonObject) },
  };
}

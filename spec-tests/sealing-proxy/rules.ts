import type { Handler } from './call.js';
import { introducing, readProfile } from './introductions.js';
import { downloadFile, readThumbnail, uploadFile } from './media.js';
import { read, readFiltered, readRelationsOfType, sendMessage, sync } from './messages.js';
import { createRoom, joinRoom, removeAlias, setAlias, setState, upgradeRoom } from './rooms.js';

const CLIENT = /^\/_matrix\/client\/(?:r0|v\d+|unstable)(?:\/[^/:]*\.[^/:]*)?\//;
const MEDIA = /^\/_matrix\/media\/(?:r0|v\d+)\//;

/** Every endpoint that a sealed server treats otherwise than a plain one. What has no row goes through as it is. */
const rows: readonly (readonly [method: string, root: RegExp, path: string, handler: Handler])[] = [
  // Rooms are private, and who may come in is invited
  ['POST', CLIENT, 'createRoom', createRoom],
  ['POST', CLIENT, 'rooms/:roomId/upgrade', upgradeRoom],
  ['PUT', CLIENT, 'rooms/:roomId/state/:eventType', setState],
  ['PUT', CLIENT, 'rooms/:roomId/state/:eventType/:stateKey', setState],
  ['POST', CLIENT, 'join/:room', joinRoom],
  ['POST', CLIENT, 'rooms/:room/join', joinRoom],
  ['PUT', CLIENT, 'directory/room/:roomAlias', setAlias],
  ['DELETE', CLIENT, 'directory/room/:roomAlias', removeAlias],

  // Messages are sealed on the way in and opened on the way out
  ['PUT', CLIENT, 'rooms/:roomId/send/:eventType/:txnId', sendMessage],
  ['GET', CLIENT, 'sync', sync],
  ['POST', CLIENT, 'sync', read],
  ['GET', CLIENT, 'rooms/:roomId/messages', readFiltered],
  ['GET', CLIENT, 'rooms/:roomId/context/:eventId', readFiltered],
  ['GET', CLIENT, 'rooms/:roomId/event/:eventId', read],
  ['GET', CLIENT, 'rooms/:roomId/relations/:eventId', read],
  ['GET', CLIENT, 'rooms/:roomId/relations/:eventId/:relType', read],
  ['GET', CLIENT, 'rooms/:roomId/relations/:eventId/:relType/:eventType', readRelationsOfType],
  ['GET', CLIENT, 'rooms/:roomId/threads', read],
  ['GET', CLIENT, 'rooms/:roomId/state', read],
  ['GET', CLIENT, 'rooms/:roomId/members', read],
  ['GET', CLIENT, 'notifications', read],
  ['POST', CLIENT, 'search', read],

  // Files are sealed too
  ['POST', MEDIA, 'upload', uploadFile],
  ['PUT', MEDIA, 'upload/:serverName/:mediaId', uploadFile],
  ['GET', MEDIA, 'download/:serverName/:mediaId', downloadFile],
  ['GET', MEDIA, 'download/:serverName/:mediaId/:fileName', downloadFile],
  ['GET', CLIENT, 'media/download/:serverName/:mediaId', downloadFile],
  ['GET', CLIENT, 'media/download/:serverName/:mediaId/:fileName', downloadFile],
  ['GET', CLIENT, 'media/thumbnail/:serverName/:mediaId', readThumbnail],

  // Strangers are introduced before they are spoken to
  ['POST', CLIENT, 'keys/query', introducing('device_keys')],
  ['POST', CLIENT, 'keys/claim', introducing('one_time_keys')],
  ['PUT', CLIENT, 'sendToDevice/:eventType/:txnId', introducing('messages')],
  ['GET', CLIENT, 'profile/:userId', readProfile],
  ['GET', CLIENT, 'profile/:userId/:field', readProfile],
];

export interface Rule {
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

/** What is to be done about a request, undefined when nothing is. */
export function ruleFor(method: string, path: string): Rule | undefined {
  for (const [rowMethod, root, pattern, handler] of rows) {
    if (rowMethod !== method || !root.test(path)) continue;
    const params = paramsOf(pattern.split('/'), path.replace(root, '').split('/'));
    if (params !== undefined) return { handler, params };
  }
  return undefined;
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, name] of pattern.entries()) {
    const segment = decoded(segments[i] ?? '');
    if (segment === undefined || (!name.startsWith(':') && name !== segment)) return undefined;
    if (name.startsWith(':')) params[name.slice(1)] = segment;
  }
  return params;
}

/** Undefined where the escapes are broken: the server says so itself. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

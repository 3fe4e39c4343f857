import { creatableVersions } from '../matrix/room-versions.js';
import type { Session } from './session.js';

const capabilities = {
  'm.change_password': { enabled: true },
  'm.3pid_changes': { enabled: false },
  'm.set_displayname': { enabled: true },
  'm.set_avatar_url': { enabled: true },
  'm.profile_fields': { enabled: true },
  'm.get_login_token': { enabled: false },
  'm.forget_forced_upon_leave': { enabled: false },
  'io.element.msc4452.preview_url': { enabled: false },
};

interface Deps {
  readonly defaultRoomVersion: string;
  readonly maxEventDelayMs: number;
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities */
export async function listCapabilities({ defaultRoomVersion, maxEventDelayMs }: Deps, { session }: { session: Pick<Session, 'isAdmin'> }): Promise<object> {
  const available = Object.fromEntries(creatableVersions.map((version) => [version, 'stable']));
  const moderation = session.isAdmin ? { 'm.account_moderation': { lock: true, suspend: true } } : {};
  const delayed = { 'org.matrix.msc4140.delayed_events': { max_delay_ms: maxEventDelayMs } };
  return { capabilities: { 'm.room_versions': { default: defaultRoomVersion, available }, ...capabilities, ...moderation, ...delayed } };
}

import type { Session } from './session.js';

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3accountwhoami */
export async function whoAmI(_deps: unknown, { session }: { session: Session }): Promise<object> {
  return { user_id: session.userId, device_id: session.deviceId, is_guest: false };
}

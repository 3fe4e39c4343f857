import { createHmac } from 'node:crypto';
import type { Person, Shard } from './harness.js';

/** A new account with the rights of an administrator, as `cloison register-user --admin` makes it. */
export async function registerAdministrator(shard: Shard, secret: string, username: string): Promise<Person> {
  const path = '/_synapse/admin/v1/register';
  const password = `the password of ${username}`;
  const { body: { nonce } } = await shard.request<{ nonce: string }>('GET', path);
  const mac = createHmac('sha1', secret).update([nonce, username, password, 'admin'].join('\0')).digest('hex');
  const { body } = await shard.request<{ user_id: string; access_token: string; device_id: string }>('POST', path, { body: { nonce, username, password, admin: true, mac } });
  return { userId: body.user_id, token: body.access_token, deviceId: body.device_id, password };
}

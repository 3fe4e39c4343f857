import { describe, expect, it } from '@jest/globals';
import { parseServerName } from '../matrix/identifiers.js';
import { listCapabilities } from './capabilities.js';
import { refusalOf } from './people.testing.js';
import { listVersions } from './versions.js';
import { describeClientServer, describeServer, describeSupport } from './well-known.js';

describe('what the server says of itself', () => {
  it('lists every version of the specification up to 1.19, and encryption as forced', async () => {
    const { versions, unstable_features } = (await listVersions({ maxEventDelayMs: 0 })) as { versions: string[]; unstable_features: Record<string, boolean> };
    expect([versions[0], versions.at(-1), versions.length]).toEqual(['v1.1', 'v1.19', 19]);
    expect(unstable_features).toMatchObject({ 'org.matrix.e2e_cross_signing': true, 'io.element.e2ee_forced.public': true });
    expect(unstable_features).not.toHaveProperty(['org.matrix.simplified_msc3575']);
  });

  it('offers room versions 10 to 12, 11 by default', async () => {
    expect(await listCapabilities({ defaultRoomVersion: '11', maxEventDelayMs: 0 }, { session: { isAdmin: false } })).toMatchObject({
      capabilities: { 'm.room_versions': { default: '11', available: { 10: 'stable', 11: 'stable', 12: 'stable' } }, 'm.change_password': { enabled: true } },
    });
  });

  it('is found by its public address, and not without one', async () => {
    expect(await describeClientServer({ publicBaseurl: 'https://matrix.shard.example/' })).toEqual({
      'm.homeserver': { base_url: 'https://matrix.shard.example' },
      'io.element.e2ee': { default: true, force_disable: false, secure_backup_required: true },
    });
    expect(await refusalOf(describeClientServer({ publicBaseurl: undefined }))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('names whom to ask for help, if there is somebody', async () => {
    expect(await describeSupport({ supportContact: { email_address: 'help@shard.example' } })).toEqual({ contacts: [{ email_address: 'help@shard.example', role: 'm.role.admin' }] });
    expect(await describeSupport({ supportContact: { support_page: 'https://shard.example/help' } })).toEqual({ support_page: 'https://shard.example/help' });
    expect(await refusalOf(describeSupport({ supportContact: undefined }))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('sends other servers to port 443, if it is told to', async () => {
    const serverName = parseServerName('shard.example:8448');
    expect(await describeServer({ serverName, servesServerWellKnown: true })).toEqual({ 'm.server': 'shard.example:443' });
    expect(await refusalOf(describeServer({ serverName, servesServerWellKnown: false }))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });
});

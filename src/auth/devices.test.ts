import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DeviceId } from '../matrix/identifiers.js';
import { parseDeviceId } from '../matrix/identifiers.js';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { authenticate } from './authenticate.js';
import { deleteDevice, deleteManyDevices, getDevice, listDevices, updateDevice, type DeviceObserver } from './devices.js';
import { from, makePerson, makeSession, refusalOf, testDeps, type TestDeps } from './people.testing.js';
import type { Session } from './session.js';

describe.each(engines)('devices on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps & { deviceObserver: DeviceObserver };
  let alice: Session & { token: string };
  let told: { userNid: number; removed: readonly DeviceId[] }[];

  beforeEach(async () => {
    told = [];
    test = await engine.open();
    const devicesChanged: DeviceObserver['devicesChanged'] = async (_tx, userNid, removed) => { told.push({ userNid, removed }); };
    deps = { ...testDeps(test.db), deviceObserver: { devicesChanged } };
    alice = await makePerson(deps, 'alice');
  });
  afterEach(() => test.drop());

  const auth = { type: 'm.login.password', user: 'alice', password: "alice's password" };

  it('lists a person’s own devices and no others', async () => {
    const bob = await makePerson(deps, 'bob');
    expect(await listDevices(deps, { session: alice })).toEqual({
      devices: [{ device_id: alice.deviceId, last_seen_ip: '192.0.2.1', last_seen_ts: 1_000_000 }],
    });
    expect(await refusalOf(getDevice(deps, { session: alice, params: bob }))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('renames one, and says so once', async () => {
    const call = { session: alice, params: alice, body: { display_name: 'Desk' }, ip: '192.0.2.1' };
    expect(await updateDevice(deps, call)).toEqual({});
    await updateDevice(deps, call);
    await updateDevice(deps, { ...call, body: {} });
    expect(await getDevice(deps, call)).toMatchObject({ device_id: alice.deviceId, display_name: 'Desk' });
    expect(told).toEqual([{ userNid: alice.userNid, removed: [] }]);
    const unknown = { ...call, params: { deviceId: parseDeviceId('NONE') } };
    expect(await refusalOf(updateDevice(deps, unknown))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('deletes one only after the password, with its token and keys', async () => {
    const phone = await makeSession(deps, alice.userNid);
    await deps.db.transaction((tx) => tx.run(sql`INSERT INTO device_keys (device_nid, json) VALUES (${phone.deviceNid}, ${'{}'})`));
    expect(await refusalOf(deleteDevice(deps, { session: alice, params: phone, body: {} }))).toMatchObject({ status: 401 });
    expect(await authenticate(deps, `Bearer ${phone.token}`, from)).toMatchObject({ deviceId: phone.deviceId });

    expect(await deleteDevice(deps, { session: alice, params: phone, body: { auth } })).toEqual({});
    expect(await refusalOf(authenticate(deps, `Bearer ${phone.token}`, from))).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
    expect(await deps.db.read((tx) => tx.all(sql`SELECT device_nid FROM device_keys`))).toEqual([]);
    expect(told).toEqual([{ userNid: alice.userNid, removed: [phone.deviceId] }]);
    expect(await deleteDevice(deps, { session: alice, params: phone, body: { auth } })).toEqual({});
    expect(told).toHaveLength(1);
  });

  it('deletes several with one password, whatever their order, and nobody else’s', async () => {
    const bob = await makePerson(deps, 'bob');
    const [one, two] = [await makeSession(deps, alice.userNid), await makeSession(deps, alice.userNid)];
    const first = await refusalOf(deleteManyDevices(deps, { session: alice, body: { devices: [one.deviceId, two.deviceId, bob.deviceId] } }));
    const { session } = first.body as { session: string };
    const widened = { devices: [alice.deviceId, one.deviceId], auth: { ...auth, session } };
    expect(await refusalOf(deleteManyDevices(deps, { session: alice, body: widened }))).toMatchObject({ errcode: 'M_FORBIDDEN' });

    await deleteManyDevices(deps, { session: alice, body: { devices: [bob.deviceId, two.deviceId, one.deviceId], auth: { ...auth, session } } });
    expect(await listDevices(deps, { session: alice })).toMatchObject({ devices: [{ device_id: alice.deviceId }] });
    expect(await authenticate(deps, `Bearer ${bob.token}`, from)).toMatchObject({ userId: bob.userId });
    expect(told).toHaveLength(1);
  });
});

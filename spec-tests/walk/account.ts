import { expect, it } from '@jest/globals';
import { together, type Cast } from './cast.js';

/** The account: its data, its devices, its password, its end. */
export function account(cast: () => Cast): void {
  it('brings account data, tags and the name of a device to the other device, and signs that one out', async () => {
    const { alice, bob, roomId, logIn } = cast();
    const tablet = await logIn(alice.account);
    await alice.does(async ({ client }, given) => {
      await client.setAccountData('org.example.walk' as never, { pace: 'slow' } as never);
      await client.setRoomAccountData(given.roomId, 'org.example.walk', { pace: 'fast' });
      await client.setRoomTag(given.roomId, 'm.favourite', { order: 0.5 });
      await client.setDeviceDetails(given.deviceId, { display_name: 'The tablet' });
    }, { roomId, deviceId: tablet.deviceId });
    expect(await tablet.sees('account data', ({ client }, id) => {
      const room = client.getRoom(id);
      const [everywhere, here] = [client.getAccountData('org.example.walk' as never), room?.getAccountData('org.example.walk')];
      return room?.tags['m.favourite'] && everywhere && here && [everywhere.getContent(), here.getContent(), room.tags['m.favourite']];
    }, roomId)).toEqual([{ pace: 'slow' }, { pace: 'fast' }, { order: 0.5 }]);
    expect(await alice.does(async ({ client }) => (await client.getDevices()).devices.map((device) => [device.device_id, device.display_name]), undefined))
      .toContainEqual([tablet.deviceId, 'The tablet']);
    expect(await alice.does(({ client, refusal }, id) => refusal(client.deleteDevice(id)), tablet.deviceId)).toBe('401');
    await alice.does((me, given) => me.withPassword<unknown>(given.account)((auth) => me.client.deleteDevice(given.deviceId, auth ?? undefined)), { account: alice.account, deviceId: tablet.deviceId });
    expect(await tablet.does(({ client, refusal }) => refusal(client.whoami()), undefined)).toBe('M_UNKNOWN_TOKEN');
    expect(await bob.sees('the device to be gone', async ({ crypto }, given) => {
      const devices = (await crypto.getUserDeviceInfo([given.userId], true)).get(given.userId);
      return devices?.has(given.deviceId) === false ? [...devices.keys()] : undefined;
    }, { userId: alice.userId, deviceId: tablet.deviceId })).toContain(alice.deviceId);
    await tablet.close();
  });

  it('changes the password and closes the account, and the others see who has left', async () => {
    const { alice, newcomer } = cast();
    const dave = await newcomer();
    const roomId = await together('Farewell', alice, [dave]);
    const changed = { ...dave.account, password: 'a better one than before' };
    // Element asks for the old password itself and sends it without a session of the authentication.
    await dave.does(({ client }, { userId, password, chosen }) =>
      client.setPassword({ type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, user: userId, password } as never, chosen, false), { ...dave.account, chosen: changed.password });
    const enter = (password: string): Promise<string | undefined> => alice.does(({ sdk, refusal }, given) =>
      refusal(sdk.createClient({ baseUrl: given.baseUrl }).loginRequest({ type: 'm.login.password', identifier: { type: 'm.id.user', user: given.userId }, password: given.password })), { ...dave.account, password });
    expect(await enter(dave.account.password)).toBe('M_FORBIDDEN');
    expect(await enter(changed.password)).toBeUndefined();
    await dave.does((me, given) => me.withPassword<unknown>(given)((auth) => me.client.deactivateAccount(auth ?? undefined, true)), changed);
    expect(await alice.sees('the departure', ({ client }, given) => client.getRoom(given.roomId)?.getMember(given.userId)?.membership === 'leave' || undefined, { roomId, userId: dave.userId })).toBe(true);
    expect(await enter(changed.password)).toMatch(/^M_(?:FORBIDDEN|USER_DEACTIVATED)$/);
    await dave.close();
  });
}

import { expect, it } from '@jest/globals';
import { read, say, together, type Cast } from './cast.js';

/** Keys: verification, export, storage with the server, and beginning anew. */
export function keys(cast: () => Cast): void {
  it('lets two people verify each other by the same seven emoji', async () => {
    const { alice, bob, roomId } = cast();
    await alice.does((me) => me.setUpEncryption(), undefined);
    await bob.does((me) => me.setUpEncryption(), undefined);
    for (const [one, other] of [[alice, bob], [bob, alice]] as const) {
      expect(await one.sees('the identity of the other', async ({ crypto }, id) => (await crypto.userHasCrossSigningKeys(id, true)) || undefined, other.userId)).toBe(true);
    }
    // matrix-js-sdk sends the events of a verification inside a room in clear: those the server refuses (B4). To-device messages do the same.
    expect(await alice.does(({ crypto, refusal }, given) => refusal(crypto.requestVerificationDM(given.userId, given.roomId)), { userId: bob.userId, roomId })).toBe('M_FORBIDDEN');
    await alice.does(async (me, given) => { me.verification = await me.crypto.requestDeviceVerification(given.userId, given.deviceId); }, { userId: bob.userId, deviceId: bob.deviceId });
    await bob.does((me) => me.acceptVerification(), undefined);
    const [shownToAlice, shownToBob] = await Promise.all([alice.does((me) => me.showSas(), undefined), bob.does((me) => me.showSas(), undefined)]);
    expect(shownToAlice).toBe(shownToBob);
    await Promise.all([alice.does((me) => me.confirmSas(), undefined), bob.does((me) => me.confirmSas(), undefined)]);
    for (const [one, other] of [[alice, bob], [bob, alice]] as const) {
      expect(await one.sees('the other to be verified', async ({ crypto }, id) => (await crypto.getUserVerificationStatus(id)).isCrossSigningVerified() || undefined, other.userId)).toBe(true);
    }
  });

  it('reads on another device what was said, by keys from a file', async () => {
    const { alice, bob, logIn } = cast();
    const roomId = await together('Export', alice, [bob]);
    const before = await say(bob, roomId, 'said to the first device');
    await read(alice, roomId, before);
    const exported = await alice.does(({ crypto }) => crypto.exportRoomKeysAsJson(), undefined);
    const tablet = await logIn(alice.account);
    await tablet.sees('ciphertext it cannot read', ({ client }, given) => client.getRoom(given.roomId)?.findEventById(given.before)?.isDecryptionFailure() || undefined, { roomId, before });
    await tablet.does(({ crypto }, text) => crypto.importRoomKeysAsJson(text), exported);
    expect(await read(tablet, roomId, before)).toBe('said to the first device');
    await tablet.does(({ client }) => client.logout(true), undefined);
    await tablet.close();
  });

  it('begins anew with new keys and a new backup, which the others notice', async () => {
    const { alice, bob, logIn, roomId } = cast();
    const version = await alice.does(({ crypto }) => crypto.getActiveSessionBackupVersion(), undefined);
    await alice.does((me, account) => me.crypto.resetEncryption(me.withPassword<void>(account)), alice.account);
    const recoveryKey = await alice.does(async ({ crypto }) => {
      const key = await crypto.createRecoveryKeyFromPassphrase();
      await crypto.bootstrapSecretStorage({ setupNewSecretStorage: true, createSecretStorageKey: async () => key });
      return key.encodedPrivateKey ?? '';
    }, undefined);
    expect(await alice.does(({ crypto }) => crypto.getActiveSessionBackupVersion(), undefined)).not.toBe(version);
    expect(await bob.sees('that Alice is another', async ({ crypto }, id) => {
      await crypto.getUserDeviceInfo([id], true);
      const status = await crypto.getUserVerificationStatus(id);
      return status.isCrossSigningVerified() ? undefined : [status.wasCrossSigningVerified(), status.needsUserApproval];
    }, alice.userId)).toEqual([true, true]);
    const said = await say(alice, roomId, 'with new keys');
    await alice.does((me) => me.backUp(), undefined);
    const fresh = await logIn(alice.account);
    expect(await fresh.does((me, key) => me.recover(key), recoveryKey)).toBeGreaterThan(0);
    await fresh.does((me, id) => me.scrollBack(id), roomId);
    expect(await read(fresh, roomId, said)).toBe('with new keys');
    await fresh.does(({ client }) => client.logout(true), undefined);
    await fresh.close();
  });
}

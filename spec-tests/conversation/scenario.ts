import sharp from 'sharp';
import type { Account, Device, ElementDevice } from './device.js';
import { plaintexts, roomName, secrets } from './spoken.js';

export interface Cast {
  readonly alice: Account;
  readonly bob: Account;
  /** Meets the others only in what is forwarded to her. */
  readonly carol: Account;
  readonly newElement: () => Promise<ElementDevice>;
  readonly newLegacy: () => Promise<Device>;
  /** Told the name of each step as it is done. */
  readonly done: (step: string) => void;
}

interface Players {
  readonly alicePhone: ElementDevice;
  readonly aliceTablet: ElementDevice;
  readonly bobPhone: ElementDevice;
  readonly bobTablet: ElementDevice;
  readonly bobLegacy: Device;
  readonly aliceTabletId: string;
  readonly bobsRecoveryKey: string;
}

interface Said {
  readonly eventId: string;
  readonly body: string;
}

/** Two people, two devices each, and one device of the old libolm: the whole of an encrypted conversation. */
export async function conversation(cast: Cast): Promise<void> {
  const players = await logIn(cast);
  cast.done('five devices log in; cross-signing, secret storage and key backup are set up');
  const roomId = await players.alicePhone.createRoom(roomName, [cast.bob.userId]);
  await players.bobPhone.join(roomId);
  cast.done('an encrypted room is created, invited to and joined');
  const said = await allSpeak(players, roomId);
  cast.done('what each of the five devices says is read on all five');
  const fileEvent = await sendFile(players, roomId);
  cast.done('an encrypted file is sent and decrypted by the other devices');
  await showThemselves(cast, players, { roomId, root: said[0]?.eventId ?? '' });
  cast.done('a picture of oneself is seen, and a file in a thread is read');
  await forward(cast, players, { roomId, fileEvent });
  cast.done('a file that is forwarded is read by who was not there, and by nobody who has left');
  await verifyBySas(cast, players);
  cast.done('two devices of one person verify each other by SAS');
  const fresh = await restore(cast, players, { roomId, said, fileEvent });
  cast.done('a fresh device restores the backup and reads what was said before it existed');
  await speak(fresh, [...devicesOf(players), fresh], roomId, secrets.fromFresh);
  cast.done('the fresh device is read by everybody');
  if ((await players.alicePhone.leaks([roomName])).length === 0) throw new Error('the wire is not being watched');
  for (const device of [...devicesOf(players), fresh]) {
    const leaks = await device.leaks(plaintexts);
    if (leaks.length > 0) throw new Error(`went over the wire in the clear: ${leaks.join(' | ')}`);
    await device.logOut();
  }
  cast.done('nothing went over the wire in the clear');
}

async function logIn({ alice, bob, newElement, newLegacy }: Cast): Promise<Players> {
  const alicePhone = await newElement();
  await alicePhone.logIn(alice);
  await alicePhone.setUpEncryption();
  const aliceTablet = await newElement();
  const aliceTabletId = await aliceTablet.logIn(alice);
  const bobPhone = await newElement();
  await bobPhone.logIn(bob);
  const bobsRecoveryKey = await bobPhone.setUpEncryption();
  const bobTablet = await newElement();
  await bobTablet.logIn(bob);
  const bobLegacy = await newLegacy();
  await bobLegacy.logIn(bob);
  return { alicePhone, aliceTablet, bobPhone, bobTablet, bobLegacy, aliceTabletId, bobsRecoveryKey };
}

async function allSpeak(players: Players, roomId: string): Promise<readonly Said[]> {
  const all = devicesOf(players);
  return [
    await speak(players.alicePhone, all, roomId, secrets.fromAlicePhone),
    await speak(players.bobPhone, all, roomId, secrets.fromBobPhone),
    await speak(players.aliceTablet, all, roomId, secrets.fromAliceTablet),
    await speak(players.bobTablet, all, roomId, secrets.fromBobTablet),
    await speak(players.bobLegacy, all, roomId, secrets.fromLegacy),
  ];
}

async function sendFile(players: Players, roomId: string): Promise<string> {
  const eventId = await players.alicePhone.sendFile(roomId, { name: secrets.fileName, text: secrets.file });
  for (const device of [players.aliceTablet, players.bobPhone, players.bobTablet]) {
    expectSame(await device.readFile(roomId, eventId), secrets.file);
  }
  return eventId;
}

async function showThemselves({ alice }: Cast, { alicePhone, aliceTablet, bobPhone, bobTablet }: Players, { roomId, root }: { roomId: string; root: string }): Promise<void> {
  const picture = await sharp({ create: { width: 96, height: 96, channels: 3, background: 'seagreen' } }).png().toBuffer();
  await alicePhone.setAvatar(picture.toString('base64'));
  for (const device of [aliceTablet, bobPhone, bobTablet]) expectSame(await device.seesAvatar(roomId, alice.userId), '200 image/png');
  const eventId = await bobPhone.sendFile(roomId, { name: secrets.fileName, text: secrets.threadFile, root });
  for (const device of [alicePhone, aliceTablet, bobTablet]) expectSame(await device.readFile(roomId, eventId), secrets.threadFile);
}

async function forward({ carol, newElement }: Cast, { alicePhone, bobPhone }: Players, { roomId, fileEvent }: { roomId: string; fileEvent: string }): Promise<void> {
  const carolPhone = await newElement();
  await carolPhone.logIn(carol);
  const otherRoomId = await bobPhone.createRoom('Elsewhere', [carol.userId]);
  await carolPhone.join(otherRoomId);
  const forwarded = await bobPhone.forward(roomId, fileEvent, otherRoomId);
  expectSame(await carolPhone.readFile(otherRoomId, forwarded), secrets.file);
  await carolPhone.leave(otherRoomId);
  expectSame(String(await carolPhone.fileStatus(otherRoomId, forwarded)), '404');
  expectSame(await alicePhone.readFile(roomId, fileEvent), secrets.file);
  await carolPhone.logOut();
}

async function verifyBySas({ alice }: Cast, { alicePhone, aliceTablet, bobPhone, aliceTabletId }: Players): Promise<void> {
  await aliceTablet.askToVerify();
  await alicePhone.acceptVerification();
  const [asked, accepted] = await Promise.all([aliceTablet.showSas(), alicePhone.showSas()]);
  expectSame(asked, accepted);
  await Promise.all([aliceTablet.confirmSas(), alicePhone.confirmSas()]);
  await aliceTablet.holdsCrossSigningKeys();
  await alicePhone.seesSigned(alice.userId, aliceTabletId);
  await bobPhone.seesSigned(alice.userId, aliceTabletId);
}

interface History {
  readonly roomId: string;
  readonly said: readonly Said[];
  readonly fileEvent: string;
}

async function restore({ bob, newElement }: Cast, players: Players, history: History): Promise<ElementDevice> {
  await players.bobPhone.backUp();
  const fresh = await newElement();
  const freshId = await fresh.logIn(bob);
  if ((await fresh.recover(players.bobsRecoveryKey)) === 0) throw new Error('the backup held no keys');
  await fresh.scrollBack(history.roomId);
  for (const { eventId, body } of history.said) expectSame(await fresh.read(history.roomId, eventId), body);
  expectSame(await fresh.readFile(history.roomId, history.fileEvent), secrets.file);
  await players.bobPhone.seesSigned(bob.userId, freshId);
  return fresh;
}

async function speak(speaker: Device, listeners: readonly Device[], roomId: string, body: string): Promise<Said> {
  const eventId = await speaker.say(roomId, body);
  const heard = await Promise.all(listeners.map((listener) => listener.read(roomId, eventId)));
  for (const text of heard) expectSame(text, body);
  return { eventId, body };
}

function devicesOf({ alicePhone, aliceTablet, bobPhone, bobTablet, bobLegacy }: Players): readonly Device[] {
  return [alicePhone, aliceTablet, bobPhone, bobTablet, bobLegacy];
}

function expectSame(actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`expected "${expected.slice(0, 80)}", found "${actual.slice(0, 80)}"`);
}

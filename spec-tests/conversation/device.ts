/** Where a device logs in, and as whom. */
export interface Account {
  readonly baseUrl: string;
  readonly userId: string;
  readonly password: string;
}

/**
 * What a person does on one device. Arguments and results are plain JSON, so that the device may live in another process:
 * the scenario drives matrix-js-sdk in this process and in pages of a browser by the same calls.
 */
export interface Device {
  /** Resolves to the device id, when the first sync is in. */
  logIn(account: Account): Promise<string>;
  /** Waits until the invitation is there. */
  join(roomId: string): Promise<void>;
  say(roomId: string, body: string): Promise<string>;
  /** Waits until the event is there and decrypted; resolves to the body. */
  read(roomId: string, eventId: string): Promise<string>;
  /** Those of `plaintexts` that were seen in any request or answer. */
  leaks(plaintexts: readonly string[]): Promise<readonly string[]>;
  logOut(): Promise<void>;
}

export interface FileToSend {
  readonly name: string;
  readonly text: string;
  /** The event whose thread it belongs to. */
  readonly root?: string;
}

/** What Element can do beyond that: cross-signing, secret storage, key backup, files, verification. */
export interface ElementDevice extends Device {
  /** Cross-signing, secret storage, key backup; resolves to the recovery key. */
  setUpEncryption(): Promise<string>;
  createRoom(name: string, invite: readonly string[]): Promise<string>;
  /** What was said to a room before this device existed: loads the timeline, as the user scrolls up. */
  scrollBack(roomId: string): Promise<void>;
  leave(roomId: string): Promise<void>;
  sendFile(roomId: string, source: FileToSend): Promise<string>;
  readFile(roomId: string, eventId: string): Promise<string>;
  /** The status with which the file of an event is given or refused. */
  fileStatus(roomId: string, eventId: string): Promise<number>;
  /** Sends what an event holds to another room; resolves to the new event. */
  forward(roomId: string, eventId: string, toRoomId: string): Promise<string>;
  /** Takes a PNG in base64. */
  setAvatar(picture: string): Promise<void>;
  /** Waits until a member has a picture; resolves to status and type of its thumbnail. */
  seesAvatar(roomId: string, userId: string): Promise<string>;
  /** Resolves when every room key this device knows is in the backup. */
  backUp(): Promise<void>;
  /** Cross-signs this device with the secrets behind the recovery key and restores the backup; resolves to the number of keys. */
  recover(recoveryKey: string): Promise<number>;
  /** Short authentication string, between two devices of one person: one asks, the other accepts, both show and confirm. */
  askToVerify(): Promise<void>;
  acceptVerification(): Promise<void>;
  showSas(): Promise<string>;
  confirmSas(): Promise<void>;
  /** Waits until this device has the private cross-signing keys of its owner. */
  holdsCrossSigningKeys(): Promise<void>;
  /** Waits until this device sees that the other one is signed by its owner. */
  seesSigned(userId: string, deviceId: string): Promise<void>;
}

/** In seconds: a laden machine may be ten times slower than an idle one, and only what fails waits to the end. */
export const PATIENCE = 90;

/** Resolves to the first value `look` finds, looking every so many milliseconds; throws, naming what was awaited, after so many seconds. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { within, every }: { within: number; every: number } = { within: PATIENCE, every: 25 },
): Promise<T> {
  const deadline = performance.now() + within * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${within} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

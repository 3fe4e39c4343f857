import * as sdk from 'matrix-js-sdk';
import { PollEndEvent } from 'matrix-js-sdk/lib/extensible_events_v1/PollEndEvent.js';
import { PollResponseEvent } from 'matrix-js-sdk/lib/extensible_events_v1/PollResponseEvent.js';
import { PollStartEvent } from 'matrix-js-sdk/lib/extensible_events_v1/PollStartEvent.js';
import {
  acceptVerification, backUp, confirmSas, createRoom, join, logIn, recover, scrollBack, setUpEncryption, showSas, withPassword,
} from '../conversation/sdk-device.js';
import { encryptAttachment } from '../conversation/attachment.js';
import { readFile, sendInThread } from '../conversation/sdk-content.js';
import type { Account } from '../conversation/device.js';
import type { Me } from './walker.js';

// Runs in the browser: one page is one device, with an IndexedDB of its own.
Object.assign(globalThis, {
  async logIn(account: Account): Promise<Me> {
    const logged = await logIn(account, true);
    return Object.assign(logged, {
      sdk,
      polls: { PollStartEvent, PollResponseEvent, PollEndEvent },
      refusal,
      withPassword,
      createRoom: (name: string, invite: readonly string[]) => createRoom(logged, name, invite),
      join: (roomId: string) => join(logged, roomId),
      scrollBack: (roomId: string) => scrollBack(logged, roomId),
      encryptAttachment,
      sendInThread: (roomId: string, root: string, content: object) => sendInThread(logged.client, { roomId, root }, content),
      readFile: (roomId: string, eventId: string) => readFile(logged, roomId, eventId),
      setUpEncryption: () => setUpEncryption(logged),
      backUp: () => backUp(logged),
      recover: (recoveryKey: string) => recover(logged, recoveryKey),
      acceptVerification: () => acceptVerification(logged),
      showSas: () => showSas(logged),
      confirmSas: () => confirmSas(logged),
    });
  },
});

async function refusal(request: Promise<unknown>): Promise<string | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    if (!(error instanceof sdk.HTTPError)) throw error;
    return (error as { errcode?: string }).errcode ?? String(error.httpStatus);
  }
}

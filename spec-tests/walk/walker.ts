import type { UIAuthCallback } from 'matrix-js-sdk';
import type * as sdk from 'matrix-js-sdk';
import type { PollEndEvent } from 'matrix-js-sdk/lib/extensible_events_v1/PollEndEvent.js';
import type { PollResponseEvent } from 'matrix-js-sdk/lib/extensible_events_v1/PollResponseEvent.js';
import type { PollStartEvent } from 'matrix-js-sdk/lib/extensible_events_v1/PollStartEvent.js';
import type { JSHandle } from 'playwright-core';
import type { encryptAttachment } from '../conversation/attachment.js';
import type { Pages } from '../conversation/browser.js';
import { eventually, PATIENCE, type Account } from '../conversation/device.js';
import type { Logged } from '../conversation/logged.js';

/** What a function run in a person's page is given. */
export interface Me extends Logged {
  readonly sdk: typeof sdk;
  /** What matrix-js-sdk does not export at its root. */
  readonly polls: {
    readonly PollStartEvent: typeof PollStartEvent;
    readonly PollResponseEvent: typeof PollResponseEvent;
    readonly PollEndEvent: typeof PollEndEvent;
  };
  /** The errcode, or for want of one the status, with which the server refuses; `undefined` when it does not. */
  refusal(request: Promise<unknown>): Promise<string | undefined>;
  withPassword<Result>(account: Account): UIAuthCallback<Result>;
  createRoom(name: string, invite: readonly string[]): Promise<string>;
  /** Waits until the invitation is there. */
  join(roomId: string): Promise<void>;
  scrollBack(roomId: string): Promise<void>;
  readonly encryptAttachment: typeof encryptAttachment;
  sendInThread(roomId: string, root: string, content: object): Promise<string>;
  /** The decrypted file of an event, as text. */
  readFile(roomId: string, eventId: string): Promise<string>;
  /** Cross-signing, secret storage, key backup; resolves to the recovery key. */
  setUpEncryption(): Promise<string>;
  backUp(): Promise<void>;
  recover(recoveryKey: string): Promise<number>;
  acceptVerification(): Promise<void>;
  showSas(): Promise<string>;
  confirmSas(): Promise<void>;
}

/** One device of a person: a page of the browser in which matrix-js-sdk is logged in. */
export interface Walker {
  readonly account: Account;
  readonly userId: string;
  readonly deviceId: string;
  /** Runs `act` in the page. It is sent there as text: nothing but its two arguments exists for it. */
  does<Given, Result>(act: (me: Me, given: Given) => Result, given: Given): Promise<Awaited<Result>>;
  /** Runs `look` in the page until it finds something. */
  sees<Given, Result>(what: string, look: (me: Me, given: Given) => Result, given: Given): Promise<NonNullable<Awaited<Result>>>;
  close(): Promise<void>;
}

/** Once somebody has waited in vain, nobody waits so long again: a server that stands still does not hold up all of the tests. */
let patience = PATIENCE;
const AFTER_A_FAILURE = 15;

export async function openWalker(pages: Pages, account: Account): Promise<Walker> {
  const page = await pages.open('logIn');
  const handle = await page.evaluateHandle(
    (given) => (globalThis as unknown as { logIn(account: Account): Promise<Me> }).logIn(given),
    account,
  ) as JSHandle<Me>;
  const does: Walker['does'] = (act, given) => handle.evaluate(act as never, given as never);
  return {
    account,
    userId: account.userId,
    deviceId: await does(({ client }) => client.getDeviceId() ?? '', undefined),
    does,
    sees: async (what, look, given) => {
      try {
        return await eventually(what, async () => (await does(look, given)) ?? undefined, { within: patience, every: 20 });
      } catch (error) {
        patience = AFTER_A_FAILURE;
        throw error;
      }
    },
    close: () => page.context().close(),
  };
}

import { openBrowser } from '../conversation/browser.js';
import type { Account } from '../conversation/device.js';
import { startShard, type Person, type Shard } from '../harness.js';
import { crowdSettings } from './service.js';
import { openWalker, type Walker } from './walker.js';

/** One server, one browser, and three people who share a room. */
export interface Cast {
  readonly shard: Shard;
  readonly alice: Walker;
  readonly bob: Walker;
  readonly carol: Walker;
  /** Made by Alice, joined by Bob. */
  readonly roomId: string;
  /** A new account that nobody knows, with a first device in the browser. */
  newcomer(): Promise<Walker>;
  /** One more device of an account. */
  logIn(account: Account): Promise<Walker>;
  stop(): Promise<void>;
}

export async function gather(): Promise<Cast> {
  const { settings, remove } = crowdSettings();
  const shard = await startShard(settings);
  const pages = await openBrowser('spec-tests/walk/page.ts');
  const account = ({ userId, password }: Person): Account => ({ baseUrl: shard.baseUrl, userId, password });
  const logIn = (given: Account): Promise<Walker> => openWalker(pages, given);
  const newcomer = async (): Promise<Walker> => logIn(account(await shard.register()));
  const [alice, bob, carol] = [await newcomer(), await newcomer(), await newcomer()];
  const roomId = await together('The walk', alice, [bob]);
  return {
    shard, alice, bob, carol, roomId, newcomer, logIn,
    async stop() {
      await pages.close();
      await shard.stop();
      remove();
    },
  };
}

/** A room that `host` makes and the others join. */
export async function together(name: string, host: Walker, others: readonly Walker[]): Promise<string> {
  const roomId = await host.does((me, given) => me.createRoom(given.name, given.invite), { name, invite: others.map(({ userId }) => userId) });
  await Promise.all(others.map((other) => other.does((me, id) => me.join(id), roomId)));
  for (const { userId } of others) await seesMember(host, { roomId, userId, membership: 'join' });
  return roomId;
}

/** Waits until a person's membership has come to `watcher`: who writes before that does not know whom to encrypt for. */
export async function seesMember(watcher: Walker, member: { readonly roomId: string; readonly userId: string; readonly membership: string }): Promise<void> {
  await watcher.sees(`${member.membership} of ${member.userId}`, ({ client }, given) =>
    client.getRoom(given.roomId)?.getMember(given.userId)?.membership === given.membership || undefined, member);
}

/** Sends a text and resolves to its event id. */
export async function say(speaker: Walker, roomId: string, body: string): Promise<string> {
  return speaker.does(async ({ client }, given) => (await client.sendTextMessage(given.roomId, given.body)).event_id, { roomId, body });
}

/** Waits until the event is there and can be read; resolves to its body. */
export async function read(reader: Walker, roomId: string, eventId: string): Promise<string> {
  return reader.sees(`the text of ${eventId}`, ({ client }, given) => {
    const event = client.getRoom(given.roomId)?.findEventById(given.eventId);
    return event?.isDecryptionFailure() === false ? event.getContent<{ body?: string }>().body : undefined;
  }, { roomId, eventId });
}

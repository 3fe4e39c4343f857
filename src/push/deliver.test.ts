import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import type { RoomId } from '../matrix/identifiers.js';
import { engines } from '../storage/engines.testing.js';
import { openConversation, type Conversation } from './conversation.testing.js';
import { startPushing } from './deliver.js';
import { listNotifications } from './notifications.js';
import { listPushers, setPusher } from './pushers.js';

describe.each(engines)('pushes on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let bob: Session;
  let roomId: RoomId;
  let pushing: { stop(): Promise<void> };
  let sent: { event_id?: string; counts: { unread?: number } }[];
  let outcome: () => readonly string[];

  beforeEach(async () => {
    talk = await openConversation(engine);
    [alice, bob] = [await talk.person('alice'), await talk.person('bob')];
    roomId = await talk.room(alice, bob);
    const data = { url: 'https://push.example/_matrix/push/v1/notify' };
    const body = { kind: 'http', app_id: 'app', pushkey: 'key', app_display_name: 'App', device_display_name: 'It', lang: 'en', data };
    await setPusher({ ...talk, gateways: ['https://push.example'] }, { session: bob, body });
    sent = [];
    outcome = () => [];
    const notify = async (_: string, message: object): Promise<readonly string[]> => {
      sent.push((message as { notification: (typeof sent)[0] }).notification);
      return outcome();
    };
    pushing = startPushing({ ...talk, notify, isEnabled: true, groupByRoom: true, report: () => undefined });
  });
  afterEach(async () => {
    await pushing.stop();
    await talk.drop();
  });

  const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
    while (!(await holds())) await new Promise((later) => setTimeout(later, 10));
  };

  it('an event, and the count when it was read', async () => {
    const eventId = await talk.say(alice, roomId);
    await until(() => sent.some(({ event_id, counts }) => event_id === eventId && counts.unread === 1));
    await talk.read(bob, roomId, eventId);
    await until(() => sent.some(({ event_id, counts }) => event_id === undefined && counts.unread === 0));
    const { text } = await listNotifications(talk, { session: bob, query: {} });
    expect(JSON.parse(text)).toMatchObject({ notifications: [{ read: true, event: { event_id: eventId } }] });
  });

  it('what fails waits, and a rejected key goes', async () => {
    outcome = () => { throw new Error('down'); };
    const one = await talk.say(alice, roomId);
    await until(() => sent.some(({ event_id }) => event_id === one));
    const two = await talk.say(alice, roomId);
    await new Promise((later) => setTimeout(later, 200));
    expect(sent.some(({ event_id }) => event_id === two)).toBe(false);
    outcome = () => ['key'];
    await pushing.stop();
    pushing = startPushing({ ...talk, clock: () => 2_000_000, notify: async () => ['key'], isEnabled: true, groupByRoom: true, report: () => undefined });
    await until(async () => ((await listPushers(talk, { session: bob })) as { pushers: readonly unknown[] }).pushers.length === 0);
  });
});

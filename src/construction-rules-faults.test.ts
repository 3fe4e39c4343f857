import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from './auth/session.js';
import { insertAccessToken } from './auth/sessions-store.js';
import { sealedContent } from './construction-rules.testing.js';
import { openDirectory, type Directory } from './directory/shard.testing.js';
import { parseRoomAlias, parseServerName } from './matrix/identifiers.js';
import { mediaGrants } from './media/granting.js';
import { pushDifferences } from './push/differences.js';
import { rulesFollowUpgrades } from './push/rulesets.js';
import { resolveAlias } from './rooms/aliases-store.js';
import { delayedEventsObserver, sendDelayed } from './rooms/delayed-events.js';
import { sendOrDelayMessage, setOrDelayState } from './rooms/delay.js';
import { createRoom } from './rooms/create-room.js';
import { redactMessage } from './rooms/redact.js';
import { sendMessage } from './rooms/send.js';
import { upgradeRoom } from './rooms/upgrade.js';
import type { Database } from './storage/database.js';
import { engines } from './storage/engines.testing.js';
import { BROKEN, everythingIn, failingAt } from './storage/faults.testing.js';

/** Everything a client can ask of a new room at once, so that every statement there is gets its turn. */
const wish = {
  name: 'Cellar',
  topic: 'what lies below',
  room_alias_name: 'cellar',
  is_direct: true,
  initial_state: [
    { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_msgs: 20 } },
    { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'invited' } },
    { type: 'm.room.avatar', state_key: '', content: {} },
  ],
  power_level_content_override: { invite: 50 },
};

const observers = [mediaGrants(parseServerName('shard.example')), pushDifferences];

describe.each(engines)('whatever statement fails on $name', (engine) => {
  let shard: Directory;
  let alice: Session;
  let bob: Session;
  beforeEach(async () => {
    shard = await openDirectory(engine);
    [alice, bob] = [await shard.person('alice', 'Alice'), await shard.person('bob')];
  });
  afterEach(() => shard.drop());

  it.each(['11', '12'])('A11: no part of a room of version %s comes to be', async (room_version) => {
    const parent = await shard.room(alice);
    const restricted = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: parent }] } };
    const body = { ...wish, room_version, initial_state: [...wish.initial_state, restricted], invite: [bob.userId, '@nobody:shard.example'] };
    const statements = await allOrNothing((db) => createRoom({ ...shard.deps, db, observers }, { session: alice, body }));
    expect(statements).toBeGreaterThan(80);
  });

  it.each(['11', '12'])('A10: no part of an upgrade to version %s is done', async (new_version) => {
    const { room_id: roomId } = await createRoom(shard.deps, { session: alice, body: { ...wish, invite: [bob.userId] } });
    const statements = await allOrNothing((db) => upgradeRoom({ ...shard.deps, db, observers, upgradeObserver: rulesFollowUpgrades }, { session: alice, params: { roomId }, body: { new_version } }));
    expect(statements).toBeGreaterThan(80);
    const alias = await shard.db.read((tx) => resolveAlias(tx, parseRoomAlias('#cellar:shard.example')));
    expect(alias?.room_id).not.toBe(roomId);
  });

  it('B16: the ciphertext of a redacted message is gone with the redaction, or nothing is done', async () => {
    const roomId = await shard.room(alice);
    const said = { session: alice, params: { roomId, eventType: 'm.room.encrypted', txnId: 'said' }, body: sealedContent };
    const { event_id: eventId } = await sendMessage(shard.deps, said);
    const kept = async (): Promise<boolean> => Object.values(await everythingIn(shard.db)).flat().some((row) => row.includes(sealedContent.ciphertext));
    expect(await kept()).toBe(true);
    const params = { roomId, eventId, txnId: 'redacted' };
    await allOrNothing((db) => redactMessage({ ...shard.deps, db, observers, redactionBrakes: undefined }, { session: alice, params, body: {} }));
    expect(await kept()).toBe(false);
  });

  it('A2, B4: a delayed event is scheduled and sent whole or not at all', async () => {
    const roomId = await shard.room(alice);
    await shard.db.transaction((tx) => insertAccessToken(tx, { deviceNid: alice.deviceNid, tokenHash: 'h'.repeat(43), expiresTs: undefined, now: 0 }));
    const deps = { ...shard.deps, maxEventDelayMs: 1000, observers: [...observers, delayedEventsObserver] };
    const query = { 'org.matrix.msc4140.delay': 1000 };
    const state = { roomId, eventType: 'm.room.topic', stateKey: '' };
    await allOrNothing((db) => setOrDelayState({ ...deps, db }, { session: alice, params: state, body: { topic: 'later' }, query }));
    await allOrNothing((db) => sendOrDelayMessage({ ...deps, db }, { session: alice, params: { roomId, eventType: 'm.room.encrypted', txnId: 'later' }, body: sealedContent, query }));
    const { delayed_events: waiting = [] } = await everythingIn(shard.db);
    expect(waiting).toHaveLength(2);
    for (const row of waiting) {
      const { delay_id: delayId } = JSON.parse(row) as { delay_id: string };
      await allOrNothing((db) => sendDelayed({ ...deps, db }, { params: { delayId } }));
    }
    expect((await everythingIn(shard.db))['delayed_events']).toEqual([]);
  });

  /** Tries the same with each statement failing in turn, until there is none left to fail; resolves to how many there are. */
  async function allOrNothing(attempt: (db: Database) => Promise<unknown>): Promise<number> {
    const before = await everythingIn(shard.db);
    for (let nth = 1; ; nth += 1) {
      const { db, hasFailed } = failingAt(shard.db, nth);
      const outcome = await attempt(db).then(() => 'done', (error: unknown) => (error as Error).message);
      if (!hasFailed()) {
        expect(outcome).toBe('done');
        expect(await everythingIn(shard.db)).not.toEqual(before);
        return nth - 1;
      }
      expect({ nth, outcome, after: await everythingIn(shard.db) }).toEqual({ nth, outcome: BROKEN, after: before });
    }
  }
});

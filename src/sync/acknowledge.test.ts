import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Session } from '../auth/session.js';
import { openConversation, type Conversation } from '../push/conversation.testing.js';
import { sql } from '../storage/database.js';
import { engines } from '../storage/engines.testing.js';
import { Acknowledgements } from './acknowledge.js';

describe.each(engines)('acknowledgements on $name', (engine) => {
  let talk: Conversation;
  let alice: Session;
  let acknowledgements: Acknowledgements;

  beforeEach(async () => {
    talk = await openConversation(engine);
    alice = await talk.person('alice');
    acknowledgements = new Acknowledgements(talk.db);
  });
  afterEach(() => talk.drop());

  const put = (...positions: readonly number[]) => talk.db.transaction(async (tx) => {
    for (const position of positions) await tx.run(sql`INSERT INTO to_device_messages (device_nid, position, json) VALUES (${alice.deviceNid}, ${position}, '{}')`);
  });
  const kept = async () =>
    (await talk.db.read((tx) => tx.all<{ position: number }>(sql`SELECT position FROM to_device_messages ORDER BY position`))).map(({ position }) => position);

  it('forget what is proven to have arrived, and nothing after it', async () => {
    await put(10, 11, 12);
    await acknowledgements.acknowledge(alice.deviceNid, 11);
    expect(await kept()).toEqual([12]);
  });

  it('ask the database again only once something was delivered', async () => {
    await acknowledgements.acknowledge(alice.deviceNid, 5);
    await put(10);
    await acknowledgements.acknowledge(alice.deviceNid, 10);
    expect(await kept()).toEqual([10]);
    acknowledgements.delivered(alice.deviceNid);
    await acknowledgements.acknowledge(alice.deviceNid, 10);
    expect(await kept()).toEqual([]);
  });

  it('do not take what is delivered during an acknowledgement for proven', async () => {
    await put(10);
    const under = acknowledgements.acknowledge(alice.deviceNid, 5);
    acknowledgements.delivered(alice.deviceNid);
    await under;
    await acknowledgements.acknowledge(alice.deviceNid, 10);
    expect(await kept()).toEqual([]);
  });

  it('are tried again after a failure', async () => {
    let fails = true;
    const failing = new Acknowledgements({
      ...talk.db,
      transaction: (work) => fails ? Promise.reject(new Error('the disk is full')) : talk.db.transaction(work),
    } as typeof talk.db);
    await put(10);
    await expect(failing.acknowledge(alice.deviceNid, 10)).rejects.toThrow('full');
    fails = false;
    await failing.acknowledge(alice.deviceNid, 10);
    expect(await kept()).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refusalOf } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { newUserId, parseUserId } from '../matrix/identifiers.js';
import { contactsAmong, visibleAmong } from '../rooms/contacts-store.js';
import { engines } from '../storage/engines.testing.js';
import { hideUser, putEmail, unhideUser } from './people-store.js';
import { HOUR, idsOf, openDirectory, type Directory } from './shard.testing.js';

describe.each(engines)('the directory on $name', (engine) => {
  let shard: Directory;
  let alice: Session;
  let bob: Session;
  beforeEach(async () => {
    shard = await openDirectory(engine, { perDay: 3, perWeek: 5 });
    alice = await shard.person('alice', 'Alice Martin');
    bob = await shard.person('bob', 'Élodie "Bob" 100% d’Été_1');
  });
  afterEach(() => shard.drop());

  const found = async (session: Session, term: string, limit?: number) => idsOf(await shard.search(session, term, limit));
  const id = (localpart: string) => newUserId(localpart, shard.deps.serverName);
  const hide = (session: Session) => shard.db.transaction((tx) => hideUser(tx, session.userNid, 0));
  const email = (session: Session, address: string) => shard.db.transaction((tx) =>
    putEmail(tx, session.userNid, { email: address, domain: address.slice(address.indexOf('@') + 1), now: 0 }));
  const isSeen = (viewer: Session, other: Session) => shard.db.read(async (tx) => (await visibleAmong(tx, viewer.userNid, [other.userNid], shard.deps.clock())).has(other.userNid));
  const isContact = (viewer: Session, other: Session) => shard.db.read(async (tx) => (await contactsAmong(tx, viewer.userNid, [other.userNid], shard.deps.clock())).has(other.userNid));
  const tooMany = { errcode: 'M_LIMIT_EXCEEDED' };

  describe('of people one shares a room with', () => {
    beforeEach(async () => { await shard.room(bob, alice); });

    it('finds them by what is typed of their name or id, in whatever case and with accents', async () => {
      for (const term of ['bob', 'BOB', '@bo', '@bob:shard', 'élodie', 'ÉLODIE', 'd’été', '"bob"', '100%', 'été_1', ' bob ']) {
        expect([term, await found(alice, term)]).toEqual([term, [bob.userId]]);
      }
    });

    it('takes wildcards for what they are, and the server’s name for nobody’s', async () => {
      for (const term of ['%', '%o%', 'b_b', '_', 'b%', '!', '\\', "'", '";--', 'shard', 'example', '@%', 'x'.repeat(513)]) {
        expect([term, await found(alice, term)]).toEqual([term, term === '%' || term === '_' ? [bob.userId] : []]);
      }
    });

    it('finds nobody for an empty term, and never oneself', async () => {
      for (const term of ['', '  ', 'alice', '@alice:shard.example']) expect(await found(alice, term)).toEqual([]);
    });

    it('shows name and picture', async () => {
      expect(await shard.search(alice, 'bob')).toEqual([{ user_id: bob.userId, display_name: 'Élodie "Bob" 100% d’Été_1' }]);
    });

    it('ends with the last room', async () => {
      const roomId = await shard.room(alice, bob);
      const carol = await shard.person('carol');
      await shard.invite(alice, roomId, carol.userId);
      expect([await found(carol, 'bob'), await found(bob, 'carol')]).toEqual([[bob.userId], []]);
      await shard.leave(carol, roomId);
      expect([await found(carol, 'bob'), await found(alice, 'bob')]).toEqual([[], [bob.userId]]);
    });
  });

  it('gives at most ten, whatever is asked for, those whose name begins so first', async () => {
    for (let i = 0; i < 12; i += 1) await shard.room(await shard.person(`colleague${String(i).padStart(2, '0')}`, i === 11 ? 'Coll' : `The coll ${i}`), alice);
    expect(await found(alice, 'coll', 100)).toHaveLength(10);
    expect((await found(alice, 'coll'))[0]).toBe(id('colleague11'));
    expect(await found(alice, 'coll', 0)).toEqual([id('colleague11')]);
    expect(await found(alice, 'coll', -3)).toHaveLength(1);
    expect(await found(alice, 'coll', 2)).toHaveLength(2);
  });

  it('finds a stranger by nothing but the whole id', async () => {
    for (const term of ['bob', '@bob', '@bob:', '@bob:shard', '@bob:shard.exampl', 'bob:shard.example', '@bob:shard.example:1', '@bo%:shard.example', '@b_b:shard.example', 'Élodie', '@BOB:shard.example']) {
      expect([term, await found(alice, term)]).toEqual([term, []]);
      expect(await isSeen(alice, bob)).toBe(false);
    }
  });

  it('introduces for 24 hours, one way, and again for nothing within the week', async () => {
    expect(await shard.search(alice, ' @bob:shard.example ')).toEqual([{ user_id: bob.userId, display_name: 'Élodie "Bob" 100% d’Été_1' }]);
    expect([await isSeen(alice, bob), await isContact(alice, bob), await isSeen(bob, alice), await isContact(bob, alice)]).toEqual([true, true, false, false]);
    expect(await found(alice, 'élodie')).toEqual([bob.userId]);
    shard.pass(24 * HOUR - 1);
    expect(await isSeen(alice, bob)).toBe(true);
    shard.pass(1);
    expect([await isSeen(alice, bob), await isContact(alice, bob), await found(alice, 'élodie')]).toEqual([false, false, []]);
    for (const name of ['u1', 'u2', 'u3']) await found(alice, id(name));
    expect(await found(alice, bob.userId)).toEqual([bob.userId]);
    expect(await isSeen(alice, bob)).toBe(true);
  });

  it('charges for people who exist and for those who do not, and says when there is room again', async () => {
    await found(alice, bob.userId);
    shard.pass(HOUR);
    await found(alice, id('nobody'));
    await found(alice, id('no.one'));
    expect(await refusalOf(found(alice, id('u4')))).toMatchObject({ ...tooMany, body: { retry_after_ms: 23 * HOUR } });
    await found(alice, id('nobody'));
    await found(alice, bob.userId);
    expect(await found(alice, 'anything else')).toEqual([]);
    expect(await found(bob, id('nobody'))).toEqual([]);
    shard.pass(23 * HOUR);
    await found(alice, id('u4'));
    expect(await refusalOf(found(alice, id('u5')))).toMatchObject(tooMany);
    shard.pass(HOUR);
    await found(alice, id('u5'));
    expect(await refusalOf(found(alice, id('u6')))).toMatchObject({ ...tooMany, body: { retry_after_ms: 168 * HOUR - 25 * HOUR } });
    shard.pass(143 * HOUR);
    await found(alice, id('u6'));
  });

  it('never charges twice at once', async () => {
    const searches = Array.from({ length: 12 }, (_, i) => refusalOf(found(alice, id(`u${i}`))).catch(() => undefined));
    expect((await Promise.all(searches)).filter((refusal) => refusal === undefined)).toHaveLength(3);
  });

  it('does not introduce to the hidden, nor any longer to whom hides; who shares a room with them finds them', async () => {
    await found(alice, bob.userId);
    await hide(bob);
    expect([await isSeen(alice, bob), await isContact(alice, bob), await found(alice, bob.userId), await found(alice, 'bob')]).toEqual([false, false, [], []]);
    await shard.db.transaction((tx) => unhideUser(tx, bob.userNid));
    expect(await found(alice, bob.userId)).toEqual([bob.userId]);
    await hide(bob);
    await shard.room(bob, alice);
    expect(await found(alice, 'bob')).toEqual([bob.userId]);
    expect(await found(alice, bob.userId)).toEqual([bob.userId]);
  });

  it('finds by a whole e-mail address, one identity with the id; addresses of unknown domains cost nothing', async () => {
    await email(bob, 'bob@service.example.fr');
    for (const term of ['bob@service.ex', 'bob@service.example', 'bo@other.example', 'bob@']) expect(await found(alice, term)).toEqual([]);
    expect(await found(alice, 'Bob@Service.Example.FR')).toEqual([bob.userId]);
    expect(await found(alice, bob.userId)).toEqual([bob.userId]);
    await found(alice, 'nobody@service.example.fr');
    await found(alice, 'no.one@service.example.fr');
    expect(await refusalOf(found(alice, 'none@service.example.fr'))).toMatchObject(tooMany);
    await hide(bob);
    expect(await found(alice, 'bob@service.example.fr')).toEqual([]);
  });

  describe('and invitations', () => {
    it('cost as much for strangers as for nobody and for the hidden, and nothing for whom one knows', async () => {
      const carol = await shard.person('carol');
      await hide(carol);
      const roomId = await shard.room(alice);
      expect([await shard.invite(alice, roomId, bob.userId), await shard.invite(alice, roomId, carol.userId), await shard.invite(alice, roomId, id('nobody'))]).toEqual([{}, {}, {}]);
      expect(await refusalOf(shard.invite(alice, roomId, id('u4')))).toMatchObject(tooMany);
      expect(await refusalOf(shard.room(alice, { ...bob, userId: id('u5') }))).toMatchObject(tooMany);
      await shard.room(alice, bob);
      await shard.invite(alice, await shard.room(alice), carol.userId);
    });

    it('tell the inviter nobody’s profile before they join, and of the hidden nothing at all', async () => {
      const carol = await shard.person('carol');
      await hide(carol);
      const roomId = await shard.room(alice);
      for (const each of [bob, carol]) await shard.invite(alice, roomId, each.userId);
      await shard.invite(alice, roomId, id('nobody'));
      expect([await isSeen(alice, bob), await isSeen(alice, carol), await found(alice, 'élodie'), await found(alice, 'carol')]).toEqual([false, false, [], []]);
      // Messages are sealed for the invited too, unless they are hidden: then they look like nobody.
      expect([await isContact(alice, bob), await isContact(alice, carol)]).toEqual([true, false]);
      expect([await isSeen(bob, alice), await isContact(carol, alice)]).toEqual([true, true]);
      for (const each of [bob, carol]) await shard.join(each, roomId);
      expect([await isSeen(alice, bob), await isSeen(alice, carol), await isContact(alice, carol)]).toEqual([true, true, true]);
    });

    it('are free after an introduction, and charge what a search then need not', async () => {
      await found(alice, bob.userId);
      await shard.invite(alice, await shard.room(alice), bob.userId);
      await shard.invite(alice, await shard.room(alice), id('nobody'));
      expect(await found(alice, id('nobody'))).toEqual([]);
      await found(alice, id('u3'));
      expect(await refusalOf(found(alice, id('u4')))).toMatchObject(tooMany);
    });
  });

  it('lets nobody join a full room; those inside may still be invited out and renamed', async () => {
    const [carol, dora] = [await shard.person('carol'), await shard.person('dora')];
    const roomId = await shard.room(alice, bob, carol);
    await shard.invite(alice, roomId, dora.userId);
    expect(await refusalOf(shard.join(dora, roomId))).toMatchObject({ errcode: 'M_FORBIDDEN' });
    await shard.join(carol, roomId);
    await shard.leave(carol, roomId);
    await shard.join(dora, roomId);
  });

  it('asks about other servers’ people cost nothing and find nobody', async () => {
    for (let i = 0; i < 9; i += 1) expect(await found(alice, parseUserId(`@u${i}:other.example`))).toEqual([]);
  });
});

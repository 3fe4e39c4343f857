import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makePerson, refusalOf, testDeps, type TestDeps } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { parseUserId } from '../matrix/identifiers.js';
import type { JsonText } from '../matrix/reply.js';
import type { JsonObject, JsonValue } from '../matrix/schema.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { shareRoom } from './contacts.testing.js';
import { getProfile, getProfileField } from './read-profile.js';
import { deleteProfileField, setProfileField, type ProfileObserver } from './set-profile.js';

describe.each(engines)('profiles on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps & { profileObserver: ProfileObserver };
  let alice: Session;
  let told: unknown[];

  beforeEach(async () => {
    told = [];
    test = await engine.open();
    const profileChanged: ProfileObserver['profileChanged'] = async (_tx, userNid, changed) => { told.push({ userNid, changed }); };
    deps = { ...testDeps(test.db), profileObserver: { profileChanged } };
    alice = await makePerson(deps, 'alice');
  });
  afterEach(() => test.drop());

  function set(keyName: string, value: JsonValue, session = alice): Promise<object> {
    const body: JsonObject = { [keyName]: value };
    return setProfileField(deps, { session, params: { userId: alice.userId, keyName }, body });
  }
  async function profile(session = alice): Promise<unknown> {
    return JSON.parse((await getProfile(deps, { session, params: { userId: alice.userId } })).text);
  }
  function field(keyName: string): Promise<JsonText> {
    return getProfileField(deps, { session: alice, params: { userId: alice.userId, keyName } });
  }

  it('hold a name, a picture, a time zone and namespaced fields of any shape', async () => {
    await set('displayname', 'Alice "A" Liddell');
    await set('avatar_url', 'mxc://shard.example/abc');
    await set('m.tz', 'Europe/Paris');
    await set('fr.gouv.team', { name: 'DINUM', floors: [1, null] });
    expect(await profile()).toEqual({
      displayname: 'Alice "A" Liddell',
      avatar_url: 'mxc://shard.example/abc',
      'm.tz': 'Europe/Paris',
      'fr.gouv.team': { name: 'DINUM', floors: [1, null] },
    });
    expect(JSON.parse((await field('fr.gouv.team')).text)).toEqual({ 'fr.gouv.team': { name: 'DINUM', floors: [1, null] } });
    expect(await refusalOf(field('fr.gouv.none'))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('tell the rooms when a name or a picture changes, and only then', async () => {
    const { userNid } = alice;
    await set('displayname', 'Alice');
    await set('displayname', 'Alice');
    await set('m.tz', 'Europe/Paris');
    await set('avatar_url', 'mxc://shard.example/abc');
    await set('avatar_url', '');
    await deleteProfileField(deps, { session: alice, params: { userId: alice.userId, keyName: 'displayname' } });
    await deleteProfileField(deps, { session: alice, params: { userId: alice.userId, keyName: 'displayname' } });
    expect(told).toEqual([
      { userNid, changed: { displayname: 'Alice' } },
      { userNid, changed: { avatar_url: 'mxc://shard.example/abc' } },
      { userNid, changed: { avatar_url: null } },
      { userNid, changed: { displayname: null } },
    ]);
    expect(await profile()).toEqual({ 'm.tz': 'Europe/Paris' });
  });

  it('are seen by contacts; a stranger’s and nobody’s are refused alike', async () => {
    const bob = await makePerson(deps, 'bob');
    const carol = await makePerson(deps, 'carol');
    await set('displayname', 'Alice');
    await shareRoom(test.db, '!r:shard.example', [alice.userNid, bob.userNid]);
    expect(await profile(bob)).toEqual({ displayname: 'Alice' });
    const refusal = await refusalOf(profile(carol));
    expect(refusal).toEqual({ errcode: 'M_NOT_FOUND', message: 'No such profile', });
    const nobody = parseUserId('@nobody:shard.example');
    expect(await refusalOf(getProfile(deps, { session: carol, params: { userId: nobody } }))).toEqual(refusal);
    expect(await refusalOf(getProfileField(deps, { session: carol, params: { userId: nobody, keyName: 'displayname' } }))).toEqual(refusal);
    expect(await refusalOf(getProfileField(deps, { session: carol, params: { userId: alice.userId, keyName: 'displayname' } }))).toEqual(refusal);
  });

  it('are changed by their person only', async () => {
    const bob = await makePerson(deps, 'bob');
    expect(await refusalOf(set('displayname', 'Eve', bob))).toMatchObject({ errcode: 'M_FORBIDDEN' });
    const deletion = deleteProfileField(deps, { session: bob, params: { userId: alice.userId, keyName: 'displayname' } });
    expect(await refusalOf(deletion)).toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(told).toEqual([]);
  });

  it('refuse values that are none', async () => {
    const refused: [string, JsonValue][] = [
      ['displayname', 7], ['displayname', 'é'.repeat(128)], ['displayname', 'a\0b'], ['displayname', { name: 'A' }],
      ['avatar_url', 'https://evil.example/a.png'], ['avatar_url', 'mxc://shard.example/../x'], ['avatar_url', 1], ['avatar_url', `mxc://shard.example/${'a'.repeat(1000)}`],
      ['m.tz', null], ['m.tz', ['Europe/Paris']], ['nodots', 1], ['Upper.case', 1], ['../x', 1], ['', 1],
    ];
    for (const [keyName, value] of refused) expect(await refusalOf(set(keyName, value))).toMatchObject({ errcode: 'M_INVALID_PARAM' });
    const other = setProfileField(deps, { session: alice, params: { userId: alice.userId, keyName: 'displayname' }, body: { avatar_url: '' } });
    expect(await refusalOf(other)).toMatchObject({ errcode: 'M_MISSING_PARAM' });
    expect(await profile()).toEqual({});
  });

  it('stay under 64 KiB', async () => {
    await set('fr.gouv.one', 'x'.repeat(40_000));
    expect(await refusalOf(set('fr.gouv.two', 'x'.repeat(40_000)))).toMatchObject({ errcode: 'M_PROFILE_TOO_LARGE' });
    await set('fr.gouv.one', 'x'.repeat(60_000));
    expect(Object.keys((await profile()) as object)).toEqual(['fr.gouv.one']);
  });
});

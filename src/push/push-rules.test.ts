import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makePerson, refusalOf, testDeps, type TestDeps } from '../auth/people.testing.js';
import type { Session } from '../auth/session.js';
import { sql } from '../storage/database.js';
import { engines, type TestDatabase } from '../storage/engines.testing.js';
import { defaultPushRules } from '../matrix/default-push-rules.js';
import { advance } from '../storage/stream.js';
import { getPushRule, getPushRuleActions, isPushRuleEnabled, listGlobalPushRules, listPushRules } from './push-rules.js';
import { pushRulesSince } from './rulesets.js';
import { setPushRule } from './set-push-rules.js';

describe.each(engines)('push rules on $name', (engine) => {
  let test: TestDatabase;
  let deps: TestDeps;
  let alice: Session;

  beforeEach(async () => {
    test = await engine.open();
    deps = testDeps(test.db);
    alice = await makePerson(deps, 'alice');
  });
  afterEach(() => test.drop());

  const rule = (kind: string, ruleId: string) => ({ session: alice, params: { kind, ruleId } });

  it('are the default ones until somebody changes theirs', async () => {
    expect(await listGlobalPushRules(deps, { session: alice })).toEqual(defaultPushRules(alice.userId));
    expect(await listPushRules(deps, { session: alice })).toEqual({ global: defaultPushRules(alice.userId) });
    await changeRules();
    expect(await listPushRules(deps, { session: alice })).toEqual({ global: silent });
  });

  it('have an end where they would keep the server busy: in patterns that are compared at every place of a text', async () => {
    const set = (ruleId: string, pattern: string) =>
      setPushRule(deps, { ...rule('override', ruleId), query: {}, body: { conditions: [{ kind: 'event_match', key: 'content.topic', pattern }], actions: [] } });
    await set('one', `*${'?'.repeat(250)}!*`);
    await set('two', `*${'?'.repeat(250)}!*`);
    expect(await refusalOf(set('three', `*${'?'.repeat(250)}!*`))).toMatchObject({ errcode: 'M_TOO_LARGE' });
    await set('three', `*${'a'.repeat(250)}*`);
  });

  it('are read one by one, and in parts', async () => {
    expect(await getPushRule(deps, rule('override', '.m.rule.master'))).toMatchObject({ rule_id: '.m.rule.master', enabled: false });
    expect(await isPushRuleEnabled(deps, rule('override', '.m.rule.master'))).toEqual({ enabled: false });
    expect(await getPushRuleActions(deps, rule('underride', '.m.rule.encrypted'))).toEqual({ actions: expect.arrayContaining(['notify']) });
    expect(await refusalOf(getPushRule(deps, rule('override', '.m.rule.none')))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await refusalOf(getPushRule(deps, rule('underride', '.m.rule.master')))).toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect(await refusalOf(getPushRule(deps, rule('overide', '.m.rule.master')))).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('come with the first sync, and again when they change', async () => {
    const since = (after: number, upTo: number): Promise<unknown> => test.db.read((tx) => pushRulesSince(tx, alice, { after, upTo }));
    expect(await since(0, 10)).toEqual({ type: 'm.push_rules', content: { global: defaultPushRules(alice.userId) } });
    expect(await since(5, 10)).toBeUndefined();
    const position = await changeRules();
    expect(await since(position - 1, position)).toEqual({ type: 'm.push_rules', content: { global: silent } });
    expect(await since(position, position + 1)).toBeUndefined();
    expect(await since(1, position - 1)).toBeUndefined();
  });

  const silent = { override: [], content: [], room: [], sender: [], underride: [] };
  async function changeRules(): Promise<number> {
    return test.db.transaction(async (tx) => {
      const position = await advance(tx, [`account/${alice.userNid}`]);
      await tx.run(sql`INSERT INTO push_rules (user_nid, ruleset, position) VALUES (${alice.userNid}, ${JSON.stringify(silent)}, ${position})`);
      return position;
    });
  }
});

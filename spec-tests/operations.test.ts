import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startShard, type Person, type Shard } from './harness.js';
import { specificationFolder, specifiedOperations } from './operations.js';

/** Method and path of every operation, for where the specification is not at hand. */
const LIST = 'spec-tests/client-server-operations.tsv';
const listed = readFileSync(LIST, 'utf8').trim().split('\n').map((line) => line.replace('\t', ' '));
/** What docs/refusals.md says each operation it names is answered with. */
const refusals = new Map(
  [...readFileSync('docs/refusals.md', 'utf8').matchAll(/^\| `([A-Z]+ [^`]+)` \| (\d+) `([A-Z_]+)` \| [^|]+ \|$/gm)]
    .map(([, operation = '', status = '', errcode = '']) => [operation, `${status} ${errcode}`]),
);

let shard: Shard;
let alice: Person;
beforeAll(async () => {
  shard = await startShard();
  alice = await shard.register();
});
afterAll(async () => {
  await shard.stop();
});

/** As a client would ask, with something of the right shape in the place of each parameter. */
async function ask(operation: string, token?: string): Promise<string> {
  const [method = '', path = ''] = operation.split(' ');
  const values: Readonly<Record<string, string>> = { userId: alice.userId, roomId: '!none:localhost', roomIdOrAlias: '!none:localhost', roomAlias: '#none:localhost', eventId: '$none', serverName: 'localhost' };
  const target = path.replaceAll(/\{([A-Za-z]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'x'));
  const { status, body } = await shard.request<{ errcode?: string }>(method, target, { token, malformed: true, ...(method === 'GET' ? {} : { body: {} }) });
  return `${status} ${body.errcode ?? ''}`;
}

describe('the operations of the client-server API', () => {
  (specificationFolder() === undefined ? it.skip : it)('are those of our list', () => {
    const specified = specifiedOperations(specificationFolder() ?? '').map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(specified)]).toEqual(listed);
  });

  it('are each served, or refused as docs/refusals.md says', async () => {
    const surprises: string[] = [];
    for (const operation of listed) {
      const refusal = refusals.get(operation);
      // Without a token nothing is changed by asking, and what is not there is not there for anybody.
      const answer = await ask(operation, refusal === undefined ? undefined : alice.token);
      const isAsSaid = refusal === undefined ? !/^40[45] M_UNRECOGNIZED$/.test(answer) : answer === refusal;
      if (!isAsSaid) surprises.push(`${operation}: ${answer}, ${refusal === undefined ? 'and docs/refusals.md does not name it' : `while docs/refusals.md says ${refusal}`}`);
    }
    expect(surprises).toEqual([]);
  });

  it('are all that docs/refusals.md speaks of', () => {
    expect(refusals.size).toBeGreaterThan(0);
    expect([...refusals.keys()].filter((operation) => !listed.includes(operation))).toEqual([]);
  });

  it('none of this made the server fail', () => {
    expect(shard.failures()).toEqual([]);
  });
});

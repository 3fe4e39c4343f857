import { parseArgs } from 'node:util';
import { fill } from './breach-replay/fill.js';
import { controls, isServed, replay } from './breach-replay/replay.js';
import { asJson, sentence, summarise, table } from './breach-replay/report.js';
import { startCloison, startSynapse, targetAt, type Target } from './breach-replay/servers.js';

const USAGE = `npm run breach-replay -- [options]
  --users N --rooms N --files N --messages N   the ministry (300, 120, 400, and 10 messages a room)
  --introductions N        how many people one account may meet by their full id (50)
  --base URL --shared-secret S   a running, empty homeserver instead of Cloison
  --synapse VENV           Synapse of this virtual environment, started here with its own defaults
  --controls               what each attack reaches for somebody who may, afterwards
  --json                   print JSON and no table
Ends with 1 when anything was reached that was not the victim's own.`;

const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '300' },
    rooms: { type: 'string', default: '120' },
    files: { type: 'string', default: '400' },
    messages: { type: 'string', default: '10' },
    introductions: { type: 'string', default: '50' },
    base: { type: 'string' },
    'shared-secret': { type: 'string', default: '' },
    synapse: { type: 'string' },
    controls: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const target = await subject();
  try {
    console.error(`filling ${target.name} …`);
    const size = { users: Number(options.users), rooms: Number(options.rooms), files: Number(options.files), messagesPerRoom: Number(options.messages) };
    const ministry = await fill(target, size);
    console.error('breaking in …');
    const outcomes = await replay(target.baseUrl, ministry);
    const summary = summarise(ministry, outcomes, Number(options.introductions));
    if (options.json) console.log(JSON.stringify(asJson(target.name, ministry, outcomes, summary), undefined, 2));
    else console.log([...ministry.howFilled.map((line) => `- ${line}`), '', table(outcomes), '', sentence(target.name, summary)].join('\n'));
    if (options.controls) for (const { attack, tally } of await controls(target.baseUrl, ministry)) {
      console.error(`${attack.reachedBy}: ${attack.path}: ${isServed(tally) ? `${tally.reached.size} reached` : 'not served'} ${JSON.stringify([...tally.answers])}`);
    }
    process.exitCode = summary.isClean ? 0 : 1;
  } finally {
    await target.stop();
  }
}

async function subject(): Promise<Target> {
  if (options.base !== undefined) return targetAt(options.base, options['shared-secret']);
  return options.synapse === undefined ? startCloison() : startSynapse(options.synapse);
}

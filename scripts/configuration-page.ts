import { stringify } from 'yaml';
import type { SectionParser, Setting, Settings } from '../src/config-parsers.js';
import { contradictions } from '../src/config-rules.js';
import { noEffect, notBuiltYet } from '../src/config-synapse.js';
import { settings } from '../src/config.js';

const INTRODUCTION = `# Configuration

<!-- Made by \`node scripts/run.mjs configuration-docs\` from src/config.ts and its neighbours: change those. -->

The file is a \`homeserver.yaml\` with the names that Synapse gives the same things, and one section, \`cloison\`, for what
only this server has. \`cloison generate\` writes one to begin with; \`cloison config check --config FILE\` tries one.

- \`--config\` can be given several times, and can name a directory, whose \`*.yaml\` are read in the order of their names. Of a
  key that is given twice the later one counts, whole.
- Relative paths start at the directory of the file they stand in.
- Sizes are bytes, or a number with \`K\`, \`M\`, \`G\` or \`T\`. Limits fill by \`per_second\` and hold \`burst_count\`.
- A key that means nothing here, or is not built yet, is told in one line at the start. A key that contradicts a rule, or that
  nobody knows, stops it.`;

/** The text of docs/configuration.md. */
export function configurationPage(): string {
  return [
    INTRODUCTION,
    '## What is honoured',
    ...Object.values(settings as Settings).map(settingPart),
    '## What stops the start',
    'Values that contradict what this server is for. Every other value of these keys is accepted.',
    ['| key | why | remedy |', '|---|---|---|', ...contradictions.map(({ key, rule, remedy }) => `| \`${key}\` | ${rule} | ${remedy} |`)].join('\n'),
    '## What has no effect',
    ['| key | why |', '|---|---|', ...Object.entries(noEffect).map(([key, why]) => `| \`${key}\` | ${why} |`)].join('\n'),
    '## What is not built yet',
    [...notBuiltYet].sort().map((name) => `\`${name}\``).join(', '),
  ].join('\n\n') + '\n';
}

function settingPart(setting: Setting<unknown>): string {
  const twin = setting.twin === true ? `, or in a file named by \`${setting.name}_path\`` : '';
  const lines = [`### \`${setting.name}\`${twin}`, setting.sentence];
  if (setting.default !== undefined) lines.push(['```yaml', stringify({ [setting.name]: setting.default }, { flowCollectionPadding: false }).trimEnd(), '```'].join('\n'));
  const inner = fieldLines(setting, 0);
  if (inner.length > 0) lines.push(inner.join('\n'));
  return lines.join('\n\n');
}

function fieldLines({ parse }: Setting<unknown>, depth: number): readonly string[] {
  const { fields } = parse as Partial<SectionParser<Settings>>;
  return Object.values(fields ?? {}).flatMap((field) => [
    `${'  '.repeat(depth)}- \`${field.name}\`${defaultOf(field)}: ${field.sentence}`,
    ...fieldLines(field, depth + 1),
  ]);
}

function defaultOf({ default: fallback }: Setting<unknown>): string {
  return typeof fallback === 'object' || fallback === undefined ? '' : ` (${String(fallback)})`;
}

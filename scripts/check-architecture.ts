import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

// Imports go from left to right; names in one brace never import each other. Everything else in this file reads this line.
const ARROWS =
  'main -> cli -> server -> http -> api -> admin -> federation -> {directory, sync} -> {profile, e2ee, media, push} -> rooms -> auth -> {ledger, policy} -> storage -> matrix';
/** Packages that belong to one folder. */
const PACKAGES: Readonly<Record<string, string>> = { express: 'http' };
/** Files of the root that are not called after their place: configuration and the rules' own tests stand beside `server`. */
const AT_ROOT = /^(?:(?:config|construction-rules)(?:-[a-z]+)*|server(?:-[a-z]+)+)(?:\.test|\.testing|\.types)?\.ts$/;

const ranks = new Map(
  ARROWS.split(' -> ').flatMap((names, rank) => names.replace(/[{}]/g, '').split(', ').map((name): [string, number] => [name, rank])),
);

/** The place of a file in the line: its folder, or its name when it stands in the root. */
function placeOf(file: string): string {
  const [first = '', ...rest] = file.split('/');
  if (rest.length > 0) return first;
  return AT_ROOT.test(first) ? 'server' : first.replace(/(?:\.test|\.testing)?\.ts$/, '');
}

function faultsOf(file: string): readonly string[] {
  const text = readFileSync(join('src', file), 'utf8');
  const place = placeOf(file);
  if (!ranks.has(place)) return [`src/${file}: ARCHITECTURE §1 has no place called ${place}`];
  const faults = ts.preProcessFile(text, true, true).importedFiles.flatMap(({ fileName }) => faultOfImport(file, fileName));
  if (file.endsWith('/index.ts') || /^export (?:type )?(?:\*|\{[^}]*\}) (?:as \w+ )?from/m.test(text)) faults.push(`src/${file}: a barrel`);
  if (/\bsql`/.test(text) && place !== 'storage' && !/(?:^|[/-])store\.ts$|\.test\.ts$|\.testing\.ts$/.test(file)) {
    faults.push(`src/${file}: SQL outside of a store.ts`);
  }
  return faults;
}

function faultOfImport(file: string, imported: string): string[] {
  const from = placeOf(file);
  if (!imported.startsWith('.')) {
    const owner = PACKAGES[imported];
    return owner === undefined || owner === from ? [] : [`src/${file}: only ${owner}/ imports ${imported}`];
  }
  const to = placeOf(normalize(join(dirname(file), imported)).replace(/\.js$/, '.ts'));
  arrows.add(`${from} -> ${to}`);
  const rank = ranks.get(to);
  if (from === to || (rank !== undefined && rank > (ranks.get(from) ?? Infinity))) return [];
  return [`src/${file}: ${from} must not import ${to} (${imported})`];
}

const arrows = new Set<string>();
const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).sort();
const faults = files.flatMap(faultsOf);
console.log(ARROWS);
for (const [place] of ranks) {
  const targets = [...arrows].filter((arrow) => arrow.startsWith(`${place} -> `)).map((arrow) => arrow.split(' -> ')[1]).filter((to) => to !== place);
  const count = files.filter((file) => placeOf(file) === place).length;
  if (count > 0) console.log(`  ${place} (${count}) -> ${targets.join(', ') || 'nothing'}`);
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

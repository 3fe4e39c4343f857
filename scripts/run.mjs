// Runs a TypeScript script of this folder: `node scripts/run.mjs list-api --json`. Node 20 reads no TypeScript, so esbuild bundles it first.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  console.error('usage: node scripts/run.mjs SCRIPT [ARGUMENT…]');
  process.exit(2);
}
const outfile = join(root, '.build', 'scripts', `${name}.mjs`);
await build({
  entryPoints: [join(root, 'scripts', `${name}.ts`)],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
});
process.argv = [process.execPath, outfile, ...args];
process.chdir(root);
await import(pathToFileURL(outfile).href);

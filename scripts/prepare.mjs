// What `npm start` and `npm test` need before anything else: packages and a build. Plain JavaScript, for neither is there yet.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const root = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');
export const stamps = join(root, '.build');

const OLDEST_NODE = [20, 12];

/** Ends the process with one sentence when this machine lacks something. */
export function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Installs the packages when there are none, or when package-lock.json has changed since. */
export function install() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    stop(`Node ${process.versions.node} is too old: install Node ${OLDEST_NODE.join('.')} or newer.`);
  }
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = `${createHash('sha256').update(lock).digest('hex')} ${process.versions.modules}`;
  if (existsSync(join(root, 'node_modules')) && read('installed') === wanted) return;
  console.log('Installing packages (the first time takes a few minutes, for two of them are compiled) …');
  // Warnings are of no use to whoever installs: what the tests bundle for a browser asks for a newer Node, in which it never runs.
  const { status } = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...headers() } });
  if (status !== 0) stop(missing());
  write('installed', wanted);
}

/** Compiles src to dist when a source has changed since; `npm test` checks the types. In few files, for reading hundreds is most of a start. */
export function build() {
  const wanted = fingerprint();
  if (existsSync(join(root, 'dist/main.js')) && read('built') === wanted) return;
  console.log('Building …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  try {
    bundle();
  } catch {
    stop('The build failed; what is above says where.');
  }
  chmodSync(join(root, 'dist/main.js'), 0o755);
  write('built', wanted);
}

function bundle() {
  // Asked for only now: the packages may just have been installed.
  const { buildSync } = createRequire(import.meta.url)('esbuild');
  buildSync({
    absWorkingDir: root,
    entryPoints: ['src/main.ts', 'src/cli/run.ts', 'src/cli/terminal.ts'],
    outbase: 'src',
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  });
}

/** Compiling a package needs the headers of this very Node; where they lie beside it, nothing has to be downloaded. */
function headers() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
}

function missing() {
  const tools = { 'python3': 'python3', 'make': 'make', 'c++': 'g++' };
  const absent = Object.entries(tools).filter(([command]) => !isThere(command)).map(([, name]) => name);
  if (absent.length > 0) return `The packages could not be compiled: install ${absent.join(', ')} (on Debian: apt-get install ${absent.join(' ')}), then try again.`;
  return 'The packages could not be installed: npm says above why. When the headers of Node are missing, install them (on Debian: apt-get install libnode-dev).';
}

function isThere(command) {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Names, sizes and times of everything the build reads. */
function fingerprint() {
  const sources = filesOf(join(root, 'src')).filter((file) => file.endsWith('.ts') && !/\.(?:test|testing|types)\.ts$/.test(file));
  const files = [...sources, ...['tsconfig.json', 'scripts/prepare.mjs', 'package-lock.json'].map((name) => join(root, name))];
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function filesOf(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesOf(path) : [path];
  });
}

function read(stamp) {
  const file = join(stamps, stamp);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function write(stamp, text) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, stamp), text);
}

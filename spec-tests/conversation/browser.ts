import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { silence } from './child.js';
import { PATIENCE } from './device.js';

/** Where Chromium is looked for. */
export const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** A browser whose pages, each with storage of its own, hold a bundle of ours. */
export interface Pages {
  /** Resolves once the bundle has run and `ready` is a name of the page's global object. */
  open(ready: string): Promise<Page>;
  close(): Promise<void>;
}

/** matrix-js-sdk under another name: newer than what runs in every Node we support. */
const NEWEST_SDK = 'matrix-js-sdk-newest';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Bundles the module at `entry`, a path from the root of the repository, serves it to a browser, and starts that. */
export async function openBrowser(entry: string): Promise<Pages> {
  const server = await servePages(entry);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await chromium.launch({ executablePath: chromiumPath, headless: true, args: FLAGS, timeout: PATIENCE * 1000 });
  return {
    open: (ready) => openPage(browser, origin, ready),
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** The page, its bundle and the crypto's WebAssembly, on a port that is not the homeserver's: every request of the page is cross-origin. */
async function servePages(entry: string): Promise<Server> {
  // Nothing of the bundle runs in Node, so it can hold what Element Web is made of today.
  const bundle = await build({
    entryPoints: [entry], bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'error',
    define: { global: 'globalThis' }, alias: { 'matrix-js-sdk': NEWEST_SDK },
  });
  const files: Readonly<Record<string, readonly [type: string, body: string | Uint8Array]>> = {
    '/': ['text/html', '<!doctype html><title>A device</title><script type="module" src="/page.js"></script>'],
    '/page.js': ['text/javascript', bundle.outputFiles[0]?.contents ?? ''],
    '/pkg/matrix_sdk_crypto_wasm_bg.wasm': ['application/wasm', await cryptoWasm()],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(body === '' ? 404 : 200, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** The one matrix-js-sdk itself depends on. */
async function cryptoWasm(): Promise<Uint8Array> {
  const ours = createRequire(join(process.cwd(), 'package.json'));
  const sdks = createRequire(ours.resolve(NEWEST_SDK));
  return readFile(new URL('./pkg/matrix_sdk_crypto_wasm_bg.wasm', pathToFileURL(sdks.resolve('@matrix-org/matrix-sdk-crypto-wasm'))));
}

async function openPage(browser: Browser, origin: string, ready: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE * 1000);
  if (process.env['CONVERSATION_LOG'] !== undefined) page.on('console', (message) => { process.stderr.write(`${message.text()}\n`); });
  // Every line would go from process to process until it is here, which takes a seventh of all the time of the browser.
  else await page.addInitScript(silence);
  page.on('pageerror', (error) => { process.stderr.write(`in the page: ${error.stack ?? error.message}\n`); });
  await page.goto(origin);
  await page.waitForFunction((name) => name in globalThis, ready);
  return page;
}

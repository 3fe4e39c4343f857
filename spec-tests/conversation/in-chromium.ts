import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { report } from './child.js';
import type { ElementDevice } from './device.js';
import { legacyDevice } from './legacy-device.js';
import { conversation } from './scenario.js';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const METHODS = [
  'logIn', 'logOut', 'createRoom', 'join', 'say', 'read', 'scrollBack', 'sendFile', 'readFile', 'setUpEncryption', 'backUp', 'recover',
  'askToVerify', 'acceptVerification', 'showSas', 'confirmSas', 'holdsCrossSigningKeys', 'seesSigned', 'leaks',
] as const satisfies readonly (keyof ElementDevice)[];

await report(async ({ alice, bob, done }) => {
  const pages = await servePages();
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', headless: true, args: FLAGS });
  try {
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    await conversation({ alice, bob, done, newElement: () => openDevice(browser, origin), newLegacy: async () => legacyDevice() });
  } finally {
    await browser.close();
    pages.close();
  }
});

/** The page, its bundle and the crypto's WebAssembly, on a port that is not the homeserver's: every request of the page is cross-origin. */
async function servePages(): Promise<Server> {
  const bundle = await build({
    entryPoints: ['spec-tests/conversation/page.ts'], bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'error',
    define: { global: 'globalThis' },
  });
  const sdk = createRequire(import.meta.resolve('matrix-js-sdk'));
  const wasm = await readFile(new URL('./pkg/matrix_sdk_crypto_wasm_bg.wasm', `file://${sdk.resolve('@matrix-org/matrix-sdk-crypto-wasm')}`));
  const files: Readonly<Record<string, readonly [type: string, body: string | Uint8Array]>> = {
    '/': ['text/html', '<!doctype html><title>A device</title><script type="module" src="/page.js"></script>'],
    '/page.js': ['text/javascript', bundle.outputFiles[0]?.contents ?? ''],
    '/pkg/matrix_sdk_crypto_wasm_bg.wasm': ['application/wasm', wasm],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(body === '' ? 404 : 200, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function openDevice(browser: Browser, origin: string): Promise<ElementDevice> {
  const context = await browser.newContext();
  const page = await context.newPage();
  if (process.env['CONVERSATION_LOG'] !== undefined) page.on('console', (message) => { process.stderr.write(`${message.text()}\n`); });
  page.on('pageerror', (error) => { process.stderr.write(`in the page: ${error.stack ?? error.message}\n`); });
  await page.goto(origin);
  await page.waitForFunction(() => 'device' in globalThis);
  return Object.fromEntries(METHODS.map((method) => [method, remote(page, method)])) as unknown as ElementDevice;
}

function remote(page: Page, method: string): (...args: readonly unknown[]) => Promise<unknown> {
  return (...args) =>
    page.evaluate(([name, given]) => {
      const { device } = globalThis as unknown as { device: Record<string, (...args: readonly unknown[]) => unknown> };
      return device[name]?.(...given);
    }, [method, args] as const);
}

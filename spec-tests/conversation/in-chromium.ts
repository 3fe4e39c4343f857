import type { Page } from 'playwright-core';
import { openBrowser, type Pages } from './browser.js';
import { report } from './child.js';
import type { ElementDevice } from './device.js';
import { legacyDevice } from './legacy-device.js';
import { conversation } from './scenario.js';

const METHODS = [
  'logIn', 'logOut', 'createRoom', 'join', 'say', 'read', 'scrollBack', 'leave', 'sendFile', 'readFile', 'fileStatus', 'forward', 'setAvatar', 'seesAvatar', 'setUpEncryption', 'backUp', 'recover',
  'askToVerify', 'acceptVerification', 'showSas', 'confirmSas', 'holdsCrossSigningKeys', 'seesSigned', 'leaks',
] as const satisfies readonly (keyof ElementDevice)[];

await report(async ({ done, ...people }) => {
  const pages = await openBrowser('spec-tests/conversation/page.ts');
  try {
    await conversation({ ...people, done, newElement: () => openDevice(pages), newLegacy: async () => legacyDevice() });
  } finally {
    await pages.close();
  }
});

async function openDevice(pages: Pages): Promise<ElementDevice> {
  const page = await pages.open('device');
  return Object.fromEntries(METHODS.map((method) => [method, remote(page, method)])) as unknown as ElementDevice;
}

function remote(page: Page, method: string): (...args: readonly unknown[]) => Promise<unknown> {
  return (...args) =>
    page.evaluate(([name, given]) => {
      const { device } = globalThis as unknown as { device: Record<string, (...args: readonly unknown[]) => unknown> };
      return device[name]?.(...given);
    }, [method, args] as const);
}

import { legacyDevice } from './legacy-device.js';
import { quiet, report } from './child.js';
import { conversation } from './scenario.js';
import { sdkDevice } from './sdk-device.js';

// A process of its own: jest's module registry and the WebAssembly loader of the crypto do not get along.
await report(async ({ done, ...people }) => {
  quiet();
  await conversation({ ...people, done, newElement: async () => sdkDevice(false), newLegacy: async () => legacyDevice() });
});

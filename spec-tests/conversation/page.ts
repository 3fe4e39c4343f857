import { sdkDevice } from './sdk-device.js';

// Runs in the browser: one page is one device, with an IndexedDB of its own.
Object.assign(globalThis, { device: sdkDevice(true) });

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { chromiumPath } from '../conversation/browser.js';
import { PATIENCE } from '../conversation/device.js';
import { account } from './account.js';
import { gather, type Cast } from './cast.js';
import { crowd } from './crowd.js';
import { history } from './history.js';
import { keys } from './keys.js';
import { membership } from './membership.js';
import { messages } from './messages.js';
import { notifications } from './notifications.js';
import { settings } from './settings.js';
import { threads } from './threads.js';

// Everything a person does in Element, by matrix-js-sdk's own calls, seen from the other side; one server and one browser for all of it.
if (existsSync(chromiumPath)) {
  describe('people who use Element in Chromium', () => {
    let cast: Cast;
    jest.setTimeout(PATIENCE * 3000);
    beforeAll(async () => { cast = await gather(); });
    afterAll(async () => { await cast.stop(); });

    describe('messages', () => { messages(() => cast); });
    describe('threads and polls', () => { threads(() => cast); });
    describe('the settings of a room', () => { settings(() => cast); });
    describe('rooms and spaces', () => { membership(() => cast); });
    describe('notifications', () => { notifications(() => cast); });
    describe('the account', () => { account(() => cast); });
    describe('history', () => { history(() => cast); });
    describe('many people', () => { crowd(() => cast); });
    describe('keys', () => { keys(() => cast); });

    it('make the server fail at nothing', () => {
      expect(cast.shard.failures()).toEqual([]);
    });
  });
} else if (process.env['CI'] === 'true') {
  it('needs Chromium', () => { throw new Error(`${chromiumPath} is not there, and CI leaves no test out`); });
} else {
  console.warn(`LEFT OUT: the walk through Element in a browser. ${chromiumPath} is not there; install Debian's chromium, or set CHROMIUM.`);
  it.skip('people who use Element in Chromium', () => undefined);
}

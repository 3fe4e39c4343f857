import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { configurationPage } from './configuration-page.js';

it('docs/configuration.md says what the table says (node scripts/run.mjs configuration-docs writes it)', () => {
  expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationPage());
});

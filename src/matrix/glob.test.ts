import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { compileGlob, literalGlob, matchesWhole, matchesWords } from './glob.js';

const whole = (pattern: string, text: string) => matchesWhole(compileGlob(pattern), text);
const words = (pattern: string, text: string) => matchesWords(compileGlob(pattern), text);

describe('globs', () => {
  // https://spec.matrix.org/v1.19/client-server-api/#conditions-1
  it.each([['Lunch plans', true], ['LUNCH', true], [' lunch', false], ['lunc', false]])('matches lunc?* against the whole of %j: %s', (text, isMatch) => {
    expect(whole('lunc?*', text)).toBe(isMatch);
  });

  it.each([['An example event.', true], ['exple', true], ['An exciting triple-whammy', true], ['An exampleevent', false], ['Anexample event', false], ['ex_ple_', false]])(
    'matches ex*ple against words of %j: %s',
    (text, isMatch) => {
      expect(words('ex*ple', text)).toBe(isMatch);
    },
  );

  it.each([
    ['', '', true], ['', 'a', false], ['*', '', true], ['*', 'a\nb', true], ['?', '', false], ['?', '\u{1f600}', true], ['??', '\u{1f600}', false],
    ['a.c', 'abc', false], ['[a]', 'a', false], ['*a*b*', 'xxaxxbxx', true], ['a*a', 'a', false], ['*.example.org', 'x.example.org', true], ['(', '(', true],
  ])('matches %j against the whole of %j: %s', (pattern, text, isMatch) => {
    expect(whole(pattern, text)).toBe(isMatch);
  });

  it('takes a display name literally', () => {
    expect(matchesWords(literalGlob('Who?'), 'ask who? now')).toBe(true);
    expect(matchesWords(literalGlob('Who?'), 'ask whom now')).toBe(false);
    expect(matchesWords(literalGlob('a*c'), 'abc')).toBe(false);
  });

  const pattern = fc.string({ unit: fc.constantFrom('a', 'B', '_', '-', ' ', '*', '?', '.'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('A', 'b', '_', '-', ' ', '.'), maxLength: 12 });
  const source = (glob: string) => [...glob].map((c) => (c === '*' ? '[^]*' : c === '?' ? '[^]' : c.replace(/[-.]/, '\\$&'))).join('');

  it('agrees with the regular expression it stands for', () => {
    fc.assert(fc.property(pattern, text, (glob, value) => {
      expect(whole(glob, value)).toBe(new RegExp(`^(?:${source(glob)})$`, 'i').test(value));
      expect(words(glob, value)).toBe(new RegExp(`(?:^|$|\\b|(?<=\\W)|(?=\\W))(?:${source(glob)})(?:^|$|\\b|(?<=\\W)|(?=\\W))`, 'i').test(value));
    }), { numRuns: 2000 });
  });

  it('answers at once where a regular expression would not', () => {
    const began = process.cpuUsage().user;
    expect(words('*a?'.repeat(30) + 'b', 'a'.repeat(60_000))).toBe(false);
    expect(whole('a*'.repeat(30) + 'b', 'a'.repeat(60_000))).toBe(false);
    for (let i = 0; i < 100; i += 1) {
      expect(whole('?'.repeat(253) + 'b', 'a'.repeat(60_000))).toBe(false);
      expect(whole(`*${'a'.repeat(252)}b`, 'a'.repeat(60_000))).toBe(false);
    }
    expect(process.cpuUsage().user - began).toBeLessThan(500_000);
  });
});

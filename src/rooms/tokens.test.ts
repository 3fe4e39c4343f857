import { expect, it } from '@jest/globals';
import type { ReadTransaction } from '../storage/database.js';
import { parseStreamToken, seqBefore, streamToken, timelineToken } from './tokens.js';

const silent: ReadTransaction = {
  all: () => Promise.reject(new Error('asked the database')),
  one: () => Promise.reject(new Error('asked the database')),
};

it('a stream token reads back as its position', () => {
  expect(parseStreamToken(streamToken(41))).toBe(41);
  expect(parseStreamToken('s0')).toBe(0);
});

it('a timeline token names its seq by itself, backfilled ones too', async () => {
  expect(await seqBefore(silent, 1, timelineToken(7))).toBe(7);
  expect(await seqBefore(silent, 1, timelineToken(-3))).toBe(-3);
});

it.each(['', 's', 't', '7', 's-1', 't7', 's1.5', 's1x', ' s1', 's1\n', 's1234567890123456', 'S1', 'undefined'])('%j is no stream token', (raw) => {
  expect(() => parseStreamToken(raw)).toThrow(expect.objectContaining({ errcode: 'M_INVALID_PARAM' }));
});

it.each(['', 'x7', 't', 't1.5', 't7 ', 't--1', 't1234567890123456'])('%j is no token at all', async (raw) => {
  await expect(seqBefore(silent, 1, raw)).rejects.toMatchObject({ errcode: 'M_INVALID_PARAM' });
});

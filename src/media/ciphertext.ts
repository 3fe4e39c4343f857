import { isUtf8 } from 'node:buffer';
import { startsLikeAFile } from './file-formats.js';

/** How much of a blob's beginning is looked at. */
export const HEAD_BYTES = 65_536;

/*
 * True ciphertext is uniformly random and must never be refused, so every test below is passed by random bytes but for fewer than one
 * buffer in 10^10, and each asks only where it can keep that promise:
 *
 * - Printable ASCII with tab and line ends is 98 of 256 values. A share of 85 % among n random bytes has, by Chernoff, a probability below
 *   e^(-0.465 n): 10^-13 at 64 bytes. Random bytes are valid UTF-8 with a probability of about 0.57^n: 10^-15 at 64 bytes.
 * - Pearson's statistic of n random bytes over 256 values is 255 on average; that it exceeds 700 has a (Chernoff) probability below
 *   10^-10 at 256 bytes and ever less for more. Text of any encoding, bitmaps, programs, and compressed formats with a structure are
 *   far above 700 in a few KiB.
 * - Less than 64 bytes prove nothing and pass.
 */
const TEXT_BYTES = 64;
const PRINTABLE_SHARE = 0.85;
const STATISTICS_BYTES = 256;
const PEARSON_LIMIT = 700;

/** Whether the beginning of a blob (all of it, when it is small) may be ciphertext: no known file format, no text, no visible structure. */
export function mayBeCiphertext(head: Buffer): boolean {
  if (startsLikeAFile(head)) return false;
  if (head.length >= TEXT_BYTES && looksLikeText(head)) return false;
  return head.length < STATISTICS_BYTES || pearson(head) <= PEARSON_LIMIT;
}

function looksLikeText(head: Buffer): boolean {
  let printable = 0;
  for (const byte of head) {
    if ((byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d) printable += 1;
  }
  return printable >= head.length * PRINTABLE_SHARE || isUtf8(withoutCutCharacter(head));
}

/** The head may end within a character of UTF-8, which has at most 4 bytes. */
function withoutCutCharacter(head: Buffer): Buffer {
  for (let back = 1; back <= 3; back += 1) {
    const byte = head[head.length - back] ?? 0;
    if (byte >= 0xc0) return head.subarray(0, head.length - back);
    if (byte < 0x80) return head;
  }
  return head;
}

/** Pearson's chi-squared statistic against "all 256 byte values are equally likely". */
function pearson(head: Buffer): number {
  const counts = new Uint32Array(256);
  for (const byte of head) counts[byte] = (counts[byte] ?? 0) + 1;
  const expected = head.length / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2, 0) / expected;
}

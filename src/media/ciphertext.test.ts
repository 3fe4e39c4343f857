import { randomBytes } from 'node:crypto';
import { gzipSync, deflateRawSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { mayBeCiphertext } from './ciphertext.js';
import { startsLikeAFile } from './file-formats.js';

const french = 'Compte rendu de la réunion du comité de sécurité : les ministères conviennent d’un échange chiffré de bout en bout. ';

describe('what may be ciphertext', () => {
  it.each([0, 1, 2, 3, 8, 16, 31, 32, 63, 64, 65, 100, 128, 200, 255, 256, 257, 300, 512, 1000, 4096])(
    'takes every one of thousands of random buffers of %i bytes',
    (size) => {
      const refused = Array.from({ length: 4000 }, () => randomBytes(size)).filter((bytes) => !mayBeCiphertext(bytes));
      // Random bytes begin like a known format once in ten million times: once here is chance, twice is not.
      expect(refused.filter((bytes) => !startsLikeAFile(bytes))).toEqual([]);
      expect(refused.length).toBeLessThan(2);
    },
  );

  it('takes every one of hundreds of random buffers of a whole head', () => {
    for (let i = 0; i < 400; i += 1) expect(mayBeCiphertext(randomBytes(65_536))).toBe(true);
  });

  it.each([
    ['French text', french],
    ['a short text', 'The minister arrives at noon by the north entrance, please do tell.'],
    ['Arabic text', 'اجتماع اللجنة الأمنية غدا في الساعة العاشرة صباحا في المبنى الرئيسي'],
    ['Japanese text', '安全保障委員会の会議は明日の午前十時に本館で開催されます。出席してください。'],
    ['JSON', JSON.stringify({ name: 'x'.repeat(30), value: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] })],
    ['HTML', `<!doctype html><html><body>${french}</body></html>`],
    ['base64', randomBytes(60).toString('base64')],
    ['hexadecimal', randomBytes(60).toString('hex')],
  ])('refuses %s', (_, text) => {
    expect(mayBeCiphertext(Buffer.from(text))).toBe(false);
    expect(mayBeCiphertext(Buffer.from(text.repeat(100)))).toBe(false);
  });

  it('refuses text cut within a character', () => {
    const bytes = Buffer.from('é'.repeat(100));
    expect(mayBeCiphertext(bytes.subarray(0, 151))).toBe(false);
    expect(mayBeCiphertext(Buffer.from('会'.repeat(100)).subarray(0, 152))).toBe(false);
  });

  it.each([
    ['UTF-16', Buffer.from(french.repeat(4), 'utf16le')],
    ['Latin-1', Buffer.from(french.repeat(4), 'latin1')],
    ['zeros', Buffer.alloc(1000)],
    ['a program of the machine', readFileSync(process.execPath).subarray(4096, 4096 + 65_536)],
    ['random bytes among a structure', Buffer.concat(Array.from({ length: 150 }, () => Buffer.concat([Buffer.from('ffFB90640000', 'hex'), randomBytes(411)])))],
    ['random bytes of half the values', Buffer.from(randomBytes(4096).map((byte) => byte & 0x7f))],
  ])('refuses %s by its statistics', (_, bytes) => {
    expect(mayBeCiphertext(bytes)).toBe(false);
  });

  it.each([
    ['PNG', '89504e470d0a1a0a'],
    ['JPEG', 'ffd8ffe000104a464946'],
    ['GIF', Buffer.from('GIF89a').toString('hex')],
    ['WebP', `${Buffer.from('RIFF').toString('hex')}10200000${Buffer.from('WEBP').toString('hex')}`],
    ['PDF', Buffer.from('%PDF-1.7').toString('hex')],
    ['ZIP and the office documents in it', '504b030414000600'],
    ['old office documents', 'd0cf11e0a1b11ae1'],
    ['gzip', gzipSync('x').subarray(0, 10).toString('hex')],
    ['MP4', `00000020${Buffer.from('ftypisom').toString('hex')}`],
    ['MP3', '494433030000000000'],
    ['ELF', '7f454c460201'],
    ['Ogg', Buffer.from('OggS').toString('hex')],
    ['SQLite', Buffer.from('SQLite format 3\0').toString('hex')],
    ['BMP', '424d361000000000000036000000'],
    ['Matroska', '1a45dfa3'],
  ])('refuses %s by its first bytes, whatever follows', (_, hex) => {
    expect(mayBeCiphertext(Buffer.concat([Buffer.from(hex, 'hex'), randomBytes(5000)]))).toBe(false);
  });

  it('refuses tar and Windows programs by what lies farther in', () => {
    const tar = randomBytes(2000);
    tar.write('ustar', 257);
    expect(mayBeCiphertext(tar)).toBe(false);
    const program = randomBytes(2000);
    program.write('MZ', 0);
    program.writeUInt32LE(0x80, 60);
    program.write('PE\0\0', 0x80);
    expect(mayBeCiphertext(program)).toBe(false);
  });

  it('cannot tell bare compressed data from ciphertext, which is the honest limit', () => {
    const noise = deflateRawSync(randomBytes(40_000).toString('base64'));
    expect(mayBeCiphertext(noise)).toBe(true);
  });
});

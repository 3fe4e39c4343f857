/**
 * Known file formats by their first bytes. A signature here has at least 32 bits that random bytes must hit, so all of them together
 * refuse fewer than one ciphertext in ten million; formats with shorter signatures are recognised by what must follow them, or by
 * their statistics (ciphertext.ts).
 */
export function startsLikeAFile(head: Buffer): boolean {
  const text = head.toString('latin1', 0, 64);
  return (
    SIGNATURES.some((signature) => text.startsWith(signature)) ||
    PATTERNS.some((pattern) => pattern.test(text)) ||
    FARTHER.some(({ at, bytes }) => head.length >= at + bytes.length && head.toString('latin1', at, at + bytes.length) === bytes) ||
    isWindowsProgram(head) ||
    isTransportStream(head)
  );
}

const SIGNATURES: readonly string[] = [
  // Pictures
  '\x89PNG', 'GIF87a', 'GIF89a', 'II*\0', 'MM\0*', 'II+\0', 'MM\0+', '8BPS', '\0\0\x01\0', '\0\0\x02\0', 'gimp xcf', 'AT&TFORM',
  '\0\0\0\x0cJXL ', '\0\0\0\x0cjP  ', '\xff\x4f\xff\x51', 'qoif', 'v/1\x01', 'DDS ', 'FUJIFILMCCD-RAW', 'IIRO', 'IIU\0', 'FLIF', 'BPG\xfb',
  // Sound and film
  'fLaC', 'OggS', 'MThd', '#!AMR', '.snd', 'MAC ', 'wvpk', 'FORM', 'caff', '\x1aE\xdf\xa3', '0&\xb2u', '\0\0\x01\xba', '\0\0\x01\xb3', 'FLV\x01',
  // Documents
  '%PDF', '%!PS', '{\\rtf', '\xd0\xcf\x11\xe0', 'ITSF', 'SQLite format 3', 'BOOKMOBI', '\xc5\xd0\xd3\xc6', 'AC10', '!BDN', '%TSD', 'PAR1', 'ARROW1', '\x89HDF',
  // Archives
  'PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08', 'Rar!', '7z\xbc\xaf', '\xfd7zXZ', '\x28\xb5\x2f\xfd', '\x04\x22\x4d\x18', 'LZIP', 'MSCF', '!<arch>', '\xed\xab\xee\xdb',
  'xar!', 'ISc(', 'hsqs', 'sqsh', '070701', '070702', '070707', 'Cr24', 'koly',
  // Programs and fonts
  '\x7fELF', '\xca\xfe\xba\xbe', '\xfe\xed\xfa\xce', '\xfe\xed\xfa\xcf', '\xce\xfa\xed\xfe', '\xcf\xfa\xed\xfe', '\0asm', 'dex\n', 'BC\xc0\xde', 'L\0\0\0\x01\x14\x02\0',
  'wOFF', 'wOF2', 'OTTO', 'true', 'ttcf', '\0\x01\0\0\0', '\xd4\xc3\xb2\xa1', '\xa1\xb2\xc3\xd4', '\x0a\x0d\x0d\x0a', 'KDMV', 'QFI\xfb', 'vhdxfile', 'conectix', 'BLENDER',
];

// Read as Latin-1, so that a character is a byte.
const PATTERNS: readonly RegExp[] = [
  /^\xff\xd8\xff[\xc0-\xfe]/, //                              JPEG: a second marker must follow
  /^RIFF[^]{4}(?:WAVE|WEBP|AVI |ACON|RMID|CDR)/,
  /^[^]{4}(?:ftyp|moov|mdat|wide|skip)/, //                   MP4, QuickTime, HEIC, AVIF
  /^\x1f\x8b\x08[\0-\x1f][^]{4}[\0\x02\x04][\0-\x0d\xff]/, // gzip
  /^BZh[1-9](?:1AY&SY|\x17rE8P\x90)/,
  /^BM[^]{4}\0\0\0\0/, //                                     BMP
  /^ID3[\x02-\x04][\0-\x0a][\0-\xf0]/, //                     MP3 with a tag
  /^[FCZ]WS[\x01-\x32][^]{3}[\0-\x0f]/, //                    Flash
  /^P[1-7][\s][\s#]*\d+\s/, //                                Netpbm
];

const FARTHER: readonly { at: number; bytes: string }[] = [
  { at: 257, bytes: 'ustar' }, //                             tar
  { at: 32_769, bytes: 'CD001' }, //                          ISO 9660
  { at: 60, bytes: 'BOOKMOBI' },
  { at: 128, bytes: 'DICM' },
  { at: 2, bytes: '-lh5-' },
];

/** MZ alone is too short to tell; it must lead to the header of a portable executable. */
function isWindowsProgram(head: Buffer): boolean {
  if (head.length < 64 || head.toString('latin1', 0, 2) !== 'MZ') return false;
  const at = head.readUInt32LE(60);
  return at + 4 <= head.length && head.toString('latin1', at, at + 4) === 'PE\0\0';
}

/** MPEG transport streams repeat one byte every 188. */
function isTransportStream(head: Buffer): boolean {
  const packet = 188;
  const packets = 5;
  if (head.length < packet * packets) return false;
  return Array.from({ length: packets }, (_, i) => head[i * packet]).every((byte) => byte === 0x47);
}

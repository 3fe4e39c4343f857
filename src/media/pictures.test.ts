import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { drawThumbnail, encodeAnew } from './pictures.js';

const plain = (width: number, height: number, channels: 3 | 4 = 3) => sharp({ create: { width, height, channels, background: { r: 200, g: 30, b: 30, alpha: 0.5 } } });

describe('a picture', () => {
  it('stands upright and knows no more that it once lay', async () => {
    const lying = await plain(60, 20).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const { bytes, ...upright } = await encodeAnew(lying);
    expect(upright).toEqual({ contentType: 'image/jpeg', width: 20, height: 60 });
    expect((await sharp(bytes).metadata()).orientation).toBeUndefined();
  });

  it('that moves is its first frame', async () => {
    const frames = Buffer.concat([Buffer.alloc(30 * 30 * 3, 0), Buffer.alloc(30 * 30 * 3, 255)]);
    const moving = await sharp(frames, { raw: { width: 30, height: 60, channels: 3, pageHeight: 30 } }).gif({ delay: [100, 100] }).toBuffer();
    expect((await sharp(moving).metadata()).pages).toBe(2);
    const { bytes } = await encodeAnew(moving);
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 30, height: 30 });
    expect((await sharp(bytes).metadata()).pages).toBeUndefined();
    expect((await sharp(bytes).stats()).channels[0]?.max).toBe(0);
  });

  it('keeps what is transparent', async () => {
    const { bytes } = await encodeAnew(await plain(30, 30, 4).png().toBuffer());
    expect((await sharp(bytes).metadata()).hasAlpha).toBe(true);
  });

  it.each([[4096, 4096, true], [4097, 4096, false], [1, 60_000, true], [30_000, 30_000, false]])('of %i by %i pixels: taken, %p', async (width, height, isTaken) => {
    const file = await sharp({ create: { width, height, channels: 3, background: '#000' }, limitInputPixels: false }).png().toBuffer();
    const outcome = await encodeAnew(file).then(() => true, (refusal: { errcode: string }) => refusal.errcode);
    expect(outcome).toBe(isTaken ? true : 'M_FORBIDDEN');
  });

  it('after one that broke is drawn all the same, one after the other', async () => {
    const good = await plain(50, 50).png().toBuffer();
    const drawn = await Promise.allSettled([encodeAnew(Buffer.from('nothing')), encodeAnew(good), encodeAnew(Buffer.alloc(0)), drawThumbnail(good, { width: 32, height: 32, method: 'crop' })]);
    expect(drawn.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  });
});

import type { Sharp, SharpConstructor } from 'sharp';
import { forbidden } from '../matrix/errors.js';

/** A picture as it came out of the encoder: pixels, and nothing that was hidden in the file beside them. */
export interface Picture {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly width: number;
  readonly height: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly method: 'crop' | 'scale';
}

/** Pixels that are decoded at most, whatever a file announces: a small file can announce terabytes of them. */
const MOST_PIXELS = 4096 * 4096;
const MOST_SECONDS = 5;
/** Larger avatars are made smaller: nobody sees more of them. */
const LARGEST_SIDE = 1024;

/**
 * Decodes a picture and encodes it anew: PNG, JPEG, GIF or WebP, the first frame only, upright, and without metadata. Everything else,
 * and whatever the decoder stumbles over, is refused.
 */
export async function encodeAnew(file: Buffer): Promise<Picture> {
  return draw(file, (decoder) => decoder.resize(LARGEST_SIDE, LARGEST_SIDE, { fit: 'inside', withoutEnlargement: true }));
}

/** Never larger than the picture is. https://spec.matrix.org/v1.19/client-server-api/#thumbnails */
export async function drawThumbnail(picture: Buffer, { width, height, method }: Frame): Promise<Picture> {
  const fit = method === 'crop' ? 'cover' : 'inside';
  return draw(picture, (decoder) => decoder.resize(width, height, { fit, withoutEnlargement: true }));
}

type Formats = 'jpeg' | 'png' | 'webp';
const CONTENT_TYPES: Readonly<Record<Formats, string>> = { jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp' };
let drawing: Promise<unknown> = Promise.resolve();

/** One picture at a time: what a decoder may take of memory and processor, it takes once. */
async function draw(file: Buffer, resize: (decoder: Sharp) => Sharp): Promise<Picture> {
  const mine = drawing.then(() => drawNow(file, resize));
  drawing = mine.catch(() => undefined);
  return mine;
}

async function drawNow(file: Buffer, resize: (decoder: Sharp) => Sharp): Promise<Picture> {
  const sharp = await loadSharp();
  try {
    const decoder = sharp(file, { failOn: 'error', limitInputPixels: MOST_PIXELS, pages: 1, sequentialRead: true }).timeout({ seconds: MOST_SECONDS });
    const { format } = await decoder.metadata();
    const into: Formats = format === 'jpeg' || format === 'webp' ? format : 'png';
    const { data, info } = await resize(decoder.autoOrient()).toFormat(into).toBuffer({ resolveWithObject: true });
    return { bytes: data, contentType: CONTENT_TYPES[into], width: info.width, height: info.height };
  } catch {
    // What the decoder says is for the person who made it stumble as little as for the log, which they would fill.
    throw forbidden('Only pictures are accepted here that are PNG, JPEG, GIF or WebP, whole, and of at most 16 million pixels');
  }
}

let loaded: Promise<SharpConstructor> | undefined;

/** Loaded with the first picture: a shard that shows none does without its memory. */
function loadSharp(): Promise<SharpConstructor> {
  return (loaded ??= load());
}

async function load(): Promise<SharpConstructor> {
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  sharp.concurrency(1);
  // What the decoder cannot reach no file can use: SVG, PDF and a dozen formats of scientists stay shut.
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp', 'VipsForeignLoadNsgif'] });
  return sharp;
}

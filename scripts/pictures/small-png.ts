import { crc32, deflateSync, inflateSync } from 'node:zlib';

/**
 * A window has few colours: with 256 of them a picture of it is a third of the size that the browser makes, and nobody sees
 * the difference. Layout of the file: https://www.w3.org/TR/png-3/
 */

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const PALETTE_SIZE = 256;
const PALETTE_TYPE = 3;
/** Bytes of a pixel by colour type: RGB and RGBA, eight bits a channel. */
const PIXEL_BYTES: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB, row by row. */
  readonly colours: Uint32Array;
}

/** The same picture with a palette. Takes what a browser writes: RGB or RGBA without interlacing; opacity is dropped. */
export function withPalette(png: Uint8Array): Uint8Array {
  const { width, height, colours } = decode(png);
  const palette = mostFrequent(colours);
  const indexOf = new Map(palette.map((colour, index) => [colour, index]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < colours.length; at += 1) {
    const colour = colours[at] ?? 0;
    let index = indexOf.get(colour);
    if (index === undefined) {
      index = nearest(palette, colour);
      indexOf.set(colour, index);
    }
    rows[at + Math.floor(at / width) + 1] = index;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, PALETTE_TYPE, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk(
      'PLTE',
      Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255])),
    ),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function decode(png: Uint8Array): Pixels {
  const file = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const data: Uint8Array[] = [];
  let header: Buffer | undefined;
  for (let at = SIGNATURE.length; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      header = body;
    } else if (type === 'IDAT') {
      data.push(body);
    }
    at += length + 12;
  }
  const pixelBytes = PIXEL_BYTES[header?.[9] ?? -1];
  if (header === undefined || pixelBytes === undefined || header[8] !== 8 || header[12] !== 0) {
    throw new Error('A picture of a kind that no browser writes');
  }
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const lines = unfilter(inflateSync(Buffer.concat(data)), width * pixelBytes, height, pixelBytes);
  const colours = new Uint32Array(width * height);
  for (let at = 0; at < colours.length; at += 1) {
    colours[at] = lines.readUIntBE(at * pixelBytes, 3);
  }
  return { width, height, colours };
}

/** Undoes the prediction of each byte from its neighbours to the left, above, and above to the left. */
function unfilter(packed: Buffer, lineBytes: number, height: number, pixelBytes: number): Buffer {
  const lines = Buffer.alloc(lineBytes * height);
  for (let y = 0; y < height; y += 1) {
    const filter = packed[y * (lineBytes + 1)] ?? 0;
    const source = y * (lineBytes + 1) + 1;
    const target = y * lineBytes;
    for (let x = 0; x < lineBytes; x += 1) {
      const left = x < pixelBytes ? 0 : (lines[target + x - pixelBytes] ?? 0);
      const above = y === 0 ? 0 : (lines[target + x - lineBytes] ?? 0);
      const corner = x < pixelBytes || y === 0 ? 0 : (lines[target + x - lineBytes - pixelBytes] ?? 0);
      lines[target + x] = (packed[source + x] ?? 0) + predicted(filter, left, above, corner);
    }
  }
  return lines;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    default: {
      const guess = left + above - corner;
      const byLeft = Math.abs(guess - left);
      const byAbove = Math.abs(guess - above);
      const byCorner = Math.abs(guess - corner);
      return byLeft <= byAbove && byLeft <= byCorner ? left : byAbove <= byCorner ? above : corner;
    }
  }
}

function mostFrequent(colours: Uint32Array): number[] {
  const counts = new Map<number, number>();
  for (const colour of colours) {
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, PALETTE_SIZE)
    .map(([colour]) => colour);
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const [index, other] of palette.entries()) {
    const red = (other >> 16) - (colour >> 16);
    const green = ((other >> 8) & 255) - ((colour >> 8) & 255);
    const blue = (other & 255) - (colour & 255);
    const distance = red * red + green * green + blue * blue;
    if (distance < bestDistance) {
      best = index;
      bestDistance = distance;
    }
  }
  return best;
}

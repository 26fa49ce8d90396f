/** Containers for icons around PNG pictures, as Windows and macOS take them. */

/** @typedef {{ size: number, png: Uint8Array }} Picture */

/**
 * An ICO whose pictures are PNGs (Windows Vista and later). Sizes up to 256.
 * @param {readonly Picture[]} pictures
 * @returns {Buffer}
 */
export function icoOf(pictures) {
  const ENTRY_BYTES = 16;
  const header = Buffer.alloc(6 + ENTRY_BYTES * pictures.length);
  header.writeUInt16LE(1, 2); // type: icon
  header.writeUInt16LE(pictures.length, 4);
  let offset = header.length;
  for (const [index, { size, png }] of pictures.entries()) {
    if (size > 256) {
      throw new Error(`An ICO holds no picture of ${size} px`);
    }
    const at = 6 + ENTRY_BYTES * index;
    header.writeUInt8(size % 256, at); // 0 means 256
    header.writeUInt8(size % 256, at + 1);
    header.writeUInt16LE(1, at + 4); // colour planes
    header.writeUInt16LE(32, at + 6); // bits a pixel
    header.writeUInt32LE(png.byteLength, at + 8);
    header.writeUInt32LE(offset, at + 12);
    offset += png.byteLength;
  }
  return Buffer.concat([header, ...pictures.map(({ png }) => png)]);
}

/** Type codes of PNG pictures in an ICNS by their size in pixels, those for doubled screens included. */
const ICNS_TYPES = new Map([
  [16, ['icp4']],
  [32, ['icp5', 'ic11']],
  [64, ['icp6', 'ic12']],
  [128, ['ic07']],
  [256, ['ic08', 'ic13']],
  [512, ['ic09', 'ic14']],
  [1024, ['ic10']],
]);

/**
 * An ICNS of PNG pictures (macOS 10.7 and later).
 * @param {readonly Picture[]} pictures
 * @returns {Buffer}
 */
export function icnsOf(pictures) {
  const chunks = pictures.flatMap(({ size, png }) => {
    const types = ICNS_TYPES.get(size);
    if (types === undefined) {
      throw new Error(`An ICNS holds no picture of ${size} px`);
    }
    return types.map((type) => chunk(type, png));
  });
  return chunk('icns', Buffer.concat(chunks));
}

function chunk(type, data) {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32BE(data.byteLength + head.length, 4);
  return Buffer.concat([head, data]);
}

import { describe, expect, test } from 'vitest';

interface Picture {
  readonly size: number;
  readonly png: Uint8Array;
}
interface IconFiles {
  icoOf(pictures: readonly Picture[]): Buffer;
  icnsOf(pictures: readonly Picture[]): Buffer;
}

const { icoOf, icnsOf } = (await import(
  new URL('../../scripts/lib/icon-files.mjs', import.meta.url).href
)) as IconFiles;

const picture = (size: number): Picture => ({ size, png: Buffer.from(`picture of ${size}`) });

describe('an ICO', () => {
  test('says of each picture how large it is and where it lies', () => {
    const pictures = [picture(16), picture(256)];
    const ico = icoOf(pictures);
    expect([ico.readUInt16LE(0), ico.readUInt16LE(2), ico.readUInt16LE(4)]).toEqual([0, 1, 2]);
    for (const [index, { size, png }] of pictures.entries()) {
      const at = 6 + 16 * index;
      expect(ico.readUInt8(at)).toBe(size === 256 ? 0 : size);
      const bytes = ico.readUInt32LE(at + 8);
      const offset = ico.readUInt32LE(at + 12);
      expect(ico.subarray(offset, offset + bytes)).toEqual(png);
    }
  });

  test('takes nothing larger than it can say', () => {
    expect(() => icoOf([picture(512)])).toThrow('512');
  });
});

describe('an ICNS', () => {
  test('is a chain of chunks that adds up', () => {
    const icns = icnsOf([picture(16), picture(32), picture(1024)]);
    expect(icns.toString('latin1', 0, 4)).toBe('icns');
    expect(icns.readUInt32BE(4)).toBe(icns.length);
    const types: string[] = [];
    for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) {
      types.push(icns.toString('latin1', at, at + 4));
    }
    expect(types).toEqual(['icp4', 'icp5', 'ic11', 'ic10']);
  });

  test('takes no size that the format does not know', () => {
    expect(() => icnsOf([picture(24)])).toThrow('24');
  });
});

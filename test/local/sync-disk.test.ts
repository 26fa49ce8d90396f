import { lutimesSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readSmallFiles } from '../../src/local/read-files.ts';
import { decodeNames, nodeDisk, stampOf } from '../../src/local/sync-disk.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('names that are no UTF-8', () => {
  it('are told apart from those that are, escaped, and never confused with them', () => {
    const readable = ['plain', 'caf\\xe9', 'rightful \uFFFD', '\uFEFFmarked'];
    const listing = decodeNames([
      ...readable.map((name) => Buffer.from(name)),
      latin1('caf\xe9'),
      latin1('\xff'),
    ]);
    expect(listing.names).toEqual(readable);
    expect(listing.undecodable).toEqual(['caf\\xe9~', '\\xff']);
  });

  it.runIf(process.platform === 'linux')('are found on this disk', () => {
    const dir = mkdtempSync(`${tmpdir()}/keepsync-names-`);
    try {
      writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), latin1('caf\xe9')]), '');
      writeFileSync(`${dir}/rightful \uFFFD`, '');
      expect(nodeDisk.list(dir)).toEqual({ names: ['rightful \uFFFD'], undecodable: ['caf\\xe9'] });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('an edit of the same size whose time was put back', () => {
  it.skipIf(process.platform === 'win32')(
    'has another stamp, and is not read for the file it was',
    async () => {
      const dir = mkdtempSync(`${tmpdir()}/keepsync-stamps-`);
      try {
        const diskPath = `${dir}/reading`;
        writeFileSync(diskPath, 'version 1');
        lutimesSync(diskPath, 1_000, 1_000);
        const stampNow = () => {
          const stat = nodeDisk.stat(diskPath);
          return stat === undefined ? 'none' : stampOf(stat);
        };
        const stamp = stampNow();
        const { mtimeMs, ctimeMs, size, ino } = statSync(diskPath);
        // a coarse clock may take a few milliseconds to move
        while (statSync(diskPath).ctimeMs === ctimeMs) {
          writeFileSync(diskPath, 'version 2');
          lutimesSync(diskPath, 1_000, 1_000);
        }
        expect(statSync(diskPath)).toMatchObject({ mtimeMs, size, ino });
        expect(stampNow()).not.toBe(stamp);
        const file = { diskPath, sizeBytes: size, stamp };
        expect(readSmallFiles(nodeDisk, new Uint8Array(20), [file], () => false)).toMatchObject([
          { outcome: 'failed', error: { code: 'FILE_CHANGED' } },
        ]);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  );
});

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TargetWriter } from '../../src/keep/target-writer.ts';
import { fetchTargets, type Target, writeTargets as writeInto } from '../support/keep-targets.ts';

const BLOCK = Buffer.from('0123456789');
let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'keepsync-targets-'));
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true });
});

const at = (name: string) => path.join(folder, name);
const target = (name: string, blockOffset: number, lengthBytes: number, fileOffset = 0) => ({
  diskPath: at(name),
  fileOffset,
  blockOffset,
  lengthBytes,
});

const writeTargets = (
  block: Uint8Array,
  targets: readonly Target[],
  options?: Parameters<typeof writeInto>[2],
) => writeInto(block, fetchTargets(targets), options);

describe('Ranges of a block written to disk', () => {
  it('go where they belong, into files old and new', async () => {
    fs.writeFileSync(at('old'), 'abcdef');
    const result = await writeTargets(BLOCK, [
      target('old', 4, 2, 1),
      target('new', 0, 10),
      target('gap', 9, 1, 3),
    ]);
    expect(result).toEqual({ writtenBytes: 13, failures: [] });
    expect(fs.readFileSync(at('old'), 'utf8')).toBe('a45def');
    expect(fs.readFileSync(at('new'), 'utf8')).toBe('0123456789');
    expect(fs.readFileSync(at('gap'), 'utf8')).toBe('\0\0\0' + '9');
  });

  it('make an empty file for an empty range', async () => {
    await writeTargets(new Uint8Array(0), [target('empty', 0, 0)]);
    expect(fs.statSync(at('empty')).size).toBe(0);
  });

  it('that cannot be written are listed, and the others are written', async () => {
    fs.mkdirSync(at('folder'));
    fs.symlinkSync(at('elsewhere'), at('link'));
    execFileSync('mkfifo', [at('fifo')]);
    const result = await writeTargets(BLOCK, [
      target('missing/x', 0, 1),
      target('good', 0, 5),
      target('folder', 0, 1),
      target('link', 0, 1),
      target('fifo', 0, 1),
      target('outside', 8, 3),
      target('also good', 5, 5),
    ]);
    expect(result.failures.map(({ index, code }) => [index, code])).toEqual([
      [0, 'FILE_GONE'],
      [2, 'FILE_KIND'],
      [3, 'FILE_KIND'],
      [4, 'FILE_KIND'],
      [5, 'REFUSED'],
    ]);
    expect(result.failures[0]?.diskPath).toBe(at('missing/x'));
    expect(result.writtenBytes).toBe(10);
    expect(fs.readFileSync(at('also good'), 'utf8')).toBe('56789');
    expect(fs.existsSync(at('elsewhere'))).toBe(false);
    expect(fs.existsSync(at('outside'))).toBe(false);
  });

  it('may be a great many', async () => {
    const targets = Array.from({ length: 1000 }, (_, i) => target(`f${i}`, i % 10, 1));
    expect(await writeTargets(BLOCK, targets)).toEqual({ writtenBytes: 1000, failures: [] });
    expect(fs.readdirSync(folder)).toHaveLength(1000);
    expect(fs.readFileSync(at('f537'), 'utf8')).toBe('7');
  });

  it('end early when the caller stops', async () => {
    const stop = new AbortController();
    const targets = Array.from({ length: 1000 }, (_, i) => target(`f${i}`, 0, 1));
    const work = writeTargets(BLOCK, targets, { signal: stop.signal });
    stop.abort(new Error('stop'));
    await expect(work).rejects.toThrow('stop');
    expect(fs.readdirSync(folder).length).toBeLessThan(1000);
  });

  it.each([65_521, 200_000, 262_144, 5_000_000])(
    'come together from pieces of %i bytes, also where files share bytes',
    async (chunkBytes) => {
      const block = randomBytes(5_000_000);
      const targets = [
        target('tail', 4_000_000, 1_000_000),
        target('whole', 0, 5_000_000),
        target('middle', 1_048_570, 20, 100),
        target('long', 900_000, 3_000_000),
        target('none', 5_000_000, 0),
        ...Array.from({ length: 300 }, (_, i) => target(`small${i}`, i * 16_000, 16_000)),
      ];
      expect(await writeTargets(block, targets, { chunkBytes })).toEqual({
        writtenBytes: 9_000_020 + 300 * 16_000,
        failures: [],
      });
      for (const { diskPath, fileOffset, blockOffset, lengthBytes } of targets) {
        const wanted = block.subarray(blockOffset, blockOffset + lengthBytes);
        expect(fs.readFileSync(diskPath).subarray(fileOffset).equals(wanted)).toBe(true);
      }
    },
  );

  it('are those of the last server that was asked, however far an earlier one came', async () => {
    const good = randomBytes(3_000_000);
    const targets = [target('a', 0, 2_900_000), target('no/b', 0, 10), target('c', 2_900_000, 100_000)];
    const writer = new TargetWriter(good.length, fetchTargets(targets));
    const wrong = writer.begin();
    await wrong(randomBytes(2_000_000));
    await wrong(randomBytes(1_000));
    const right = writer.begin();
    await right(good.subarray(0, 1_500_000));
    await right(good.subarray(1_500_000));
    expect(await writer.finish()).toMatchObject({
      writtenBytes: 3_000_000,
      failures: [{ index: 1, code: 'FILE_GONE' }],
    });
    const written = Buffer.concat([fs.readFileSync(at('a')), fs.readFileSync(at('c'))]);
    expect(written.equals(good)).toBe(true);
  });
});

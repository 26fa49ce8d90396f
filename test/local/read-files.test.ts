import { describe, expect, it } from 'vitest';
import type { SmallFile, SmallFileResult } from '../../src/local/ports.ts';
import { readIgnoreFile, readPieceOf, readSmallFiles, statOf } from '../../src/local/read-files.ts';
import { stampOf } from '../../src/local/sync-disk.ts';
import { SimDisk } from '../support/sim-disk.ts';

function newDisk(readMaxBytes?: number): SimDisk {
  return new SimDisk({ nowMs: () => 5_000, ...(readMaxBytes === undefined ? {} : { readMaxBytes }) });
}

function fileAt(disk: SimDisk, path: string): SmallFile {
  const stat = disk.stat(path);
  if (stat === undefined) {
    throw new Error(`there is no ${path}`);
  }
  return { diskPath: path, sizeBytes: Number(stat.size), stamp: stampOf(stat) };
}

function codesOf(results: readonly SmallFileResult[]): string[] {
  return results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome));
}

const unknown = () => false;

describe('reading small files', () => {
  it('takes five system calls for each', () => {
    const disk = newDisk();
    disk.write('/a', 'alpha');
    readSmallFiles(disk, new Uint8Array(10), [fileAt(disk, '/a')], unknown);
    expect(['open', 'fstat', 'read', 'close'].map((call) => disk.callsOf(call as 'open'))).toEqual([
      1, 2, 1, 1,
    ]);
  });

  it('never takes a mixture of two versions', () => {
    const disk = newDisk(3);
    disk.write('/a', 'aaaaaaaaa');
    const file = fileAt(disk, '/a');
    disk.onNextRead('/a', () => disk.write('/a', 'bbbbbbbbb'));
    expect(codesOf(readSmallFiles(disk, new Uint8Array(20), [file], unknown))).toEqual(['FILE_CHANGED']);
  });

  it('notices a file that is cut short or grows while it is read', () => {
    const disk = newDisk(3);
    disk.write('/cut', 'aaaaaaaaa');
    disk.write('/grown', 'aaaaaaaaa');
    const files = [fileAt(disk, '/cut'), fileAt(disk, '/grown')];
    disk.onNextRead('/cut', () => disk.write('/cut', 'a'));
    disk.onNextRead('/grown', () => disk.append('/grown', 'more'));
    expect(codesOf(readSmallFiles(disk, new Uint8Array(20), files, unknown))).toEqual([
      'FILE_CHANGED',
      'FILE_CHANGED',
    ]);
  });

  it('does not mind that the name was taken by a new file after it was opened: what it read was whole', () => {
    const disk = newDisk(3);
    disk.write('/a', 'aaaaaaaaa');
    const file = fileAt(disk, '/a');
    disk.onNextRead('/a', () => disk.replace('/a', 'new'));
    const into = new Uint8Array(9);
    expect(codesOf(readSmallFiles(disk, into, [file], unknown))).toEqual(['read']);
    expect(new TextDecoder().decode(into)).toBe('aaaaaaaaa');
  });

  it.each([
    ['open', 'EACCES', 'FILE_DENIED'],
    ['open', 'EMFILE', 'TOO_MANY_OPEN'],
    ['open', 'EBUSY', 'FILE_BUSY'],
    ['open', 'ENXIO', 'FILE_KIND'],
    ['read', 'EIO', 'FILE_BROKEN'],
  ] as const)(
    'reports %s failing with %s as %s, goes on, and closes what it opened',
    (call, system, code) => {
      const disk = newDisk();
      disk.write('/a', 'alpha');
      disk.write('/b', 'beta');
      const files = [fileAt(disk, '/a'), fileAt(disk, '/b')];
      disk.fail('/a', call, system);
      const into = new Uint8Array(9);
      expect(codesOf(readSmallFiles(disk, into, files, unknown))).toEqual([code, 'read']);
      expect(new TextDecoder().decode(into.subarray(0, 4))).toBe('beta');
      expect(disk.openHandles).toBe(0);
    },
  );

  it('lets the failure of the journal through: it is no fault of the file', () => {
    const disk = newDisk();
    disk.write('/a', 'alpha');
    const broken = () => {
      throw new Error('no journal');
    };
    expect(() => readSmallFiles(disk, new Uint8Array(9), [fileAt(disk, '/a')], broken)).toThrow('no journal');
  });

  it('says full for a file larger than the whole buffer', () => {
    const disk = newDisk();
    disk.writeSparse('/huge', 2 ** 40);
    expect(codesOf(readSmallFiles(disk, new Uint8Array(10), [fileAt(disk, '/huge')], unknown))).toEqual([
      'full',
    ]);
    expect(disk.callsOf('open')).toBe(0);
  });
});

describe('reading a piece', () => {
  it('goes on after partial reads', () => {
    const disk = newDisk(2);
    disk.write('/a', '0123456789');
    const into = new Uint8Array(5);
    readPieceOf(disk, { diskPath: '/a', stamp: fileAt(disk, '/a').stamp, position: 4, into });
    expect(new TextDecoder().decode(into)).toBe('45678');
  });

  it('says FILE_CHANGED when the file changes in the midst of it', () => {
    const disk = newDisk(2);
    disk.write('/a', '0123456789');
    const { stamp } = fileAt(disk, '/a');
    disk.onNextRead('/a', () => disk.write('/a', '9876543210'));
    const reading = () => readPieceOf(disk, { diskPath: '/a', stamp, position: 0, into: new Uint8Array(10) });
    expect(reading).toThrowError(expect.objectContaining({ code: 'FILE_CHANGED' }));
    expect(disk.openHandles).toBe(0);
  });

  it('says FILE_KIND for what is a FIFO or a folder by now', () => {
    const disk = newDisk();
    disk.write('/a', 'x');
    const { stamp } = fileAt(disk, '/a');
    disk.remove('/a');
    disk.mkfifo('/a');
    const reading = () => readPieceOf(disk, { diskPath: '/a', stamp, position: 0, into: new Uint8Array(1) });
    expect(reading).toThrowError(expect.objectContaining({ code: 'FILE_KIND' }));
  });
});

describe('an ignore file', () => {
  it('is text, or absent, or an error, never a guess', () => {
    const disk = newDisk(2);
    disk.write('/rules', '*.log\n');
    disk.mkdir('/dir');
    disk.writeSparse('/huge', 2 ** 30);
    disk.write('/denied', 'x');
    disk.deny('/denied');
    expect(readIgnoreFile(disk, '/rules')).toBe('*.log\n');
    expect(readIgnoreFile(disk, '/missing')).toBeUndefined();
    expect(readIgnoreFile(disk, '/dir')).toBeUndefined();
    expect(() => readIgnoreFile(disk, '/huge')).toThrowError(expect.objectContaining({ code: 'FILE_KIND' }));
    expect(() => readIgnoreFile(disk, '/denied')).toThrowError(
      expect.objectContaining({ code: 'FILE_DENIED' }),
    );
    expect(disk.openHandles).toBe(0);
  });
});

describe('asking what is there', () => {
  it('takes what the system hides for something, never for nothing', () => {
    const disk = newDisk();
    disk.write('/dir/a', 'x');
    disk.deny('/dir');
    expect(statOf(disk, '/dir/a', false)).toEqual({ kind: 'other', sizeBytes: 0, stamp: '', changedAtMs: 0 });
    expect(statOf(disk, '/none', false)).toBeUndefined();
  });

  it('gives the later of the two change times', () => {
    const disk = newDisk();
    disk.write('/a', 'x');
    disk.setMtime('/a', 9_000);
    expect(statOf(disk, '/a', false)?.changedAtMs).toBe(9_000);
    disk.setMtime('/a', 1_000);
    expect(statOf(disk, '/a', false)?.changedAtMs).toBe(5_000);
  });
});

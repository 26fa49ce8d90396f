import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import { sep } from 'node:path';
import type { FileStat } from './ports.ts';

/** What the system says about one file, all of it whole numbers: nanoseconds do not fit into a double. */
export interface RawStat {
  readonly mode: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface DirListing {
  readonly names: readonly string[];
  /** Names that are not valid UTF-8, with every byte outside ASCII written as `\xHH`. For showing, not for opening. */
  readonly undecodable: readonly string[];
}

/** What the scan asks of a disk. Every call is synchronous; errors are system errors with a `code`. */
export interface ScanDisk {
  readonly separator: string;
  /** False where `A` opens `a`: a name then counts as there only if the listing has it. */
  readonly caseSensitive: boolean;
  list(dir: string): DirListing;
  /** Of the entry itself, a link not followed. Undefined where there is nothing. */
  lstat(path: string): RawStat | undefined;
  /** Of what a link leads to. Undefined where there is nothing. */
  stat(path: string): RawStat | undefined;
}

/** What reading files asks of a disk. */
export interface ReadDisk {
  /** For reading, without waiting for anybody (a FIFO opens at once). */
  open(path: string): number;
  fstat(handle: number): RawStat;
  /** Bytes read, 0 at the end. */
  read(handle: number, into: Uint8Array, offset: number, lengthBytes: number, position: number): number;
  close(handle: number): void;
}

export type SyncDisk = ScanDisk & ReadDisk;

export type EntryKind = 'file' | 'dir' | 'link' | 'other';

/** File type bits of `st_mode` (POSIX `S_IFMT` and the three types we tell apart). */
const TYPE_MASK = 0o170000;
const TYPE_FILE = 0o100000;
const TYPE_DIR = 0o040000;
const TYPE_LINK = 0o120000;

export function kindOf(stat: RawStat): EntryKind {
  switch (Number(stat.mode) & TYPE_MASK) {
    case TYPE_FILE:
      return 'file';
    case TYPE_DIR:
      return 'dir';
    case TYPE_LINK:
      return 'link';
    default:
      return 'other';
  }
}

export function diskPathBelow(
  { separator }: Pick<ScanDisk, 'separator'>,
  diskDir: string,
  name: string,
): string {
  return diskDir.endsWith(separator) ? diskDir + name : diskDir + separator + name;
}

export function stampOf(stat: RawStat): string {
  return `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.dev}:${stat.ino}`;
}

export function toFileStat(stat: RawStat): FileStat {
  const kind = kindOf(stat);
  return {
    kind: kind === 'link' ? 'other' : kind,
    sizeBytes: Number(stat.size),
    stamp: stampOf(stat),
    changedAtMs: Math.max(Number(stat.mtimeNs / 1_000_000n), Number(stat.ctimeNs / 1_000_000n)),
  };
}

/** The system's code (`ENOENT`) of something thrown by a disk; undefined when it is not a system error. */
export function systemCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined;
}

export function isMissing(thrown: unknown): boolean {
  const code = systemCodeOf(thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

const BIGINT_LSTAT = { bigint: true, throwIfNoEntry: false } as const;
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** What Node puts for bytes that are not UTF-8. A name may also hold it rightfully. */
const REPLACEMENT = '\uFFFD';

/** The disk of this computer. */
export const nodeDisk: SyncDisk = {
  separator: sep,
  caseSensitive: process.platform !== 'win32' && process.platform !== 'darwin',
  list: (dir) => {
    const names = readdirSync(dir);
    return names.some((name) => name.includes(REPLACEMENT))
      ? decodeNames(readdirSync(dir, { encoding: 'buffer' }))
      : { names, undecodable: [] };
  },
  lstat: (path) => statOrNothing(() => lstatSync(path, BIGINT_LSTAT)),
  stat: (path) => statOrNothing(() => statSync(path, BIGINT_LSTAT)),
  open: (path) => openSync(path, OPEN_FLAGS),
  fstat: (handle) => fstatSync(handle, { bigint: true }),
  read: (handle, into, offset, lengthBytes, position) =>
    readSync(handle, into, offset, lengthBytes, position),
  close: (handle) => closeSync(handle),
};

/** `throwIfNoEntry` covers ENOENT and ENOTDIR on POSIX; Windows still throws for some absent paths. */
function statOrNothing(read: () => RawStat | undefined): RawStat | undefined {
  try {
    return read();
  } catch (thrown) {
    if (isMissing(thrown)) {
      return undefined;
    }
    throw thrown;
  }
}

/** Names as bytes, told apart into those that are UTF-8 and those that are not. */
export function decodeNames(rawNames: readonly Uint8Array[]): DirListing {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const names: string[] = [];
  const rest: Uint8Array[] = [];
  for (const raw of rawNames) {
    try {
      names.push(decoder.decode(raw));
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) {
        throw thrown;
      }
      rest.push(raw);
    }
  }
  const taken = new Set(names);
  const undecodable = rest.map((raw) => {
    let shown = '';
    for (const byte of raw) {
      shown += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`;
    }
    // A readable file may bear the very name that stands for this one.
    while (taken.has(shown)) {
      shown += '~';
    }
    taken.add(shown);
    return shown;
  });
  return { names, undecodable };
}

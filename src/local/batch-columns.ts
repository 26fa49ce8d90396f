import {
  type ColumnKinds,
  type Columns,
  fromColumns,
  fromMostlyColumns,
  type MostlyColumns,
  toColumns,
  toMostlyColumns,
} from '../base/columns.ts';
import type { ReadSmallFiles, SmallFile, SmallFileResult, TreeChange } from './ports.ts';

/** How batches cross between threads. */

interface FoundFile {
  readonly path: string;
  readonly diskPath: string;
  readonly sizeBytes: number;
  readonly stamp: string;
  readonly changedAtMs: number;
}

export type PackedChanges = MostlyColumns<TreeChange>;

const FOUND_FILE: ColumnKinds<FoundFile> = {
  path: 'text',
  diskPath: 'text',
  sizeBytes: 'number',
  stamp: 'text',
  changedAtMs: 'number',
};

export function packChanges(changes: readonly TreeChange[]): PackedChanges {
  return toMostlyColumns(changes, FOUND_FILE, (change) => {
    if (change.type !== 'file' || change.stat.kind !== 'file') {
      return undefined;
    }
    const { path, diskPath, stat } = change;
    return { path, diskPath, sizeBytes: stat.sizeBytes, stamp: stat.stamp, changedAtMs: stat.changedAtMs };
  });
}

export function unpackChanges(packed: PackedChanges): TreeChange[] {
  return fromMostlyColumns<TreeChange, FoundFile>(packed, ({ path, diskPath, ...stat }) => ({
    type: 'file',
    path,
    diskPath,
    stat: { kind: 'file', ...stat },
  }));
}

export interface PackedReads {
  /** Shared memory: the same in both threads. */
  readonly into: Uint8Array;
  readonly files: Columns;
}

const SMALL_FILE: ColumnKinds<SmallFile> = { diskPath: 'text', sizeBytes: 'number', stamp: 'text' };

export function packReads({ into, files }: ReadSmallFiles): PackedReads {
  return { into, files: toColumns(files, SMALL_FILE) };
}

export function unpackReads({ into, files }: PackedReads): ReadSmallFiles {
  return { into, files: fromColumns(files) };
}

type ReadResult = Omit<Extract<SmallFileResult, { outcome: 'read' }>, 'outcome'>;

export type PackedResults = MostlyColumns<SmallFileResult>;

const READ_RESULT: ColumnKinds<ReadResult> = { offset: 'number', lengthBytes: 'number', digest: 'text' };

export function packResults(results: readonly SmallFileResult[]): PackedResults {
  return toMostlyColumns(results, READ_RESULT, (result) => (result.outcome === 'read' ? result : undefined));
}

export function unpackResults(packed: PackedResults): SmallFileResult[] {
  return fromMostlyColumns<SmallFileResult, ReadResult>(packed, (row) => ({ outcome: 'read', ...row }));
}

import { type Bar, emptyBar } from '../contract/status.ts';
import type { FolderFacts, LiveBlock } from './inputs.ts';

/** Files and bytes of the blocks that are in one of the given states. */
function inState(blocks: readonly LiveBlock[], states: ReadonlyArray<LiveBlock['state']>) {
  const sum = { files: 0, bytes: 0 };
  for (const block of blocks) {
    if (states.includes(block.state)) {
      sum.files += block.files;
      sum.bytes += block.sizeBytes;
    }
  }
  return sum;
}

/**
 * The six parts of a folder. The journal's tallies say how much there is in all; live blocks only say where the pending
 * part is just now. They come from different moments, so a part never takes more than what is left of pending: the sum
 * is always the whole folder.
 *
 * A live COMMITTED block counts as Uploading until the journal has it: only the journal makes bytes Stored.
 */
export function folderBar(facts: FolderFacts, blocks: readonly LiveBlock[]): Bar {
  const bar = emptyBar();
  const tallies = facts.tallies;
  if (tallies === null) {
    return bar;
  }
  const left = { ...tallies.pending };
  const take = (wanted: { files: number; bytes: number }) => {
    const part = { files: Math.min(left.files, wanted.files), bytes: Math.min(left.bytes, wanted.bytes) };
    left.files -= part.files;
    left.bytes -= part.bytes;
    return part;
  };
  const failedBlocks = take(inState(blocks, ['ERROR']));
  const uploading = take(inState(blocks, ['PENDING', 'COMMITTED']));
  const filling = take(inState(blocks, ['WRITABLE']));
  const pieces = take({ files: 0, bytes: facts.acknowledgedPieceBytes });

  bar.saved = { ...tallies.saved };
  bar.stored = { files: tallies.stored.files, bytes: tallies.stored.bytes + pieces.bytes };
  bar.uploading = uploading;
  bar.filling = filling;
  bar.waiting = left;
  bar.failed = {
    files: tallies.failed.files + tallies.held.files + failedBlocks.files,
    bytes: tallies.failed.bytes + tallies.held.bytes + failedBlocks.bytes,
  };
  return bar;
}

export function addBars(bars: readonly Bar[]): Bar {
  const sum = emptyBar();
  for (const bar of bars) {
    for (const stage of ['saved', 'stored', 'uploading', 'filling', 'waiting', 'failed'] as const) {
      sum[stage].files += bar[stage].files;
      sum[stage].bytes += bar[stage].bytes;
    }
  }
  return sum;
}

export function barTotal(bar: Bar): { files: number; bytes: number } {
  const parts = [bar.saved, bar.stored, bar.uploading, bar.filling, bar.waiting, bar.failed];
  return {
    files: parts.reduce((sum, part) => sum + part.files, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
}

/**
 * Whether the collection is exactly what the disk was at the last scan: nothing pending, stored only, failed, held, or
 * waiting to be removed, and no block on its way. A folder that was never scanned is not.
 */
export function everythingSaved(facts: FolderFacts, blocks: readonly LiveBlock[]): boolean {
  const tallies = facts.tallies;
  if (tallies === null || facts.lastScanAtMs === null || blocks.length > 0) {
    return false;
  }
  const open = [
    tallies.pending,
    tallies.stored,
    tallies.failed,
    tallies.held,
    tallies.gone,
    tallies.deleted,
  ].some((tally) => tally.files > 0 || tally.bytes > 0);
  return !open && tallies.dirsToSave === 0;
}

/** Nobody looks at the folder in these, so what was saved when somebody last did says nothing about now. */
const UNWATCHED: ReadonlyArray<FolderFacts['phase']> = ['starting', 'paused', 'blocked'];

/**
 * Saved bytes of all bytes, rounded down; 100 only where everything is saved, 99 at most where something is not. Null where
 * it cannot be said: nothing is known yet; or every byte that was seen is saved, and nobody looks.
 */
export function percentSaved(facts: FolderFacts, bar: Bar, complete: boolean): number | null {
  const isWatched = !UNWATCHED.includes(facts.phase);
  if (complete) {
    return isWatched ? 100 : null;
  }
  const total = barTotal(bar).bytes;
  if (total === 0) {
    return isWatched ? 0 : null;
  }
  const percent = Math.floor((100 * bar.saved.bytes) / total);
  return percent < 100 ? percent : isWatched ? 99 : null;
}

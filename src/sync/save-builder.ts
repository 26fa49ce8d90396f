import { type ManifestEntry, manifestChunks } from '../collection/manifest-writer.ts';
import type { BlockRange } from '../collection/segments.ts';
import type { BlockRow } from './journal-blocks.ts';
import { settle } from './journal-compare.ts';
import { dropEntry, knownSegments, pendingChange } from './journal-moves.ts';
import type { BuiltSave, SaveRequest } from './journal-port.ts';
import { type EntryRow, pathOf } from './journal-rows.ts';
import { parseSegments, SAVED_DIR, type SegmentsText } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';
import { type Clearing, type ForeignEdit, Places } from './save-places.ts';

/** Blocks kept at hand while a save is built. */
const CACHED_BLOCKS = 50_000;
/** Of a file's token in a manifest line, and of a target's quotes and separators: beside the names. */
const TOKEN_BYTES = 24;
const TARGET_BYTES = 24;

/** A save as it goes out, and what the journal has to remember of it. */
interface PlannedSave extends Omit<BuiltSave, 'saveId'> {
  /** What will be at each row's path, by row id. */
  readonly rows: ReadonlyMap<number, SegmentsText | null>;
  readonly edits: readonly ForeignEdit[];
  /** It is about all of the folder's stored rows, puts just what they hold where nothing of ours was, and nothing else. */
  readonly isWhole: boolean;
}

/**
 * Builds the next save from the journal alone: after the last look, the rows and what is foreign are all that the
 * collection holds. In a transaction: rows whose blocks ran out of time, or that turn out to need no save, are changed on
 * the way. First renames and copies (`current/…`), then files whose blocks are named by a manifest, and once all of them
 * fit, deletes.
 */
export class SaveBuilder {
  readonly #store: JournalStore;
  readonly #request: SaveRequest;
  readonly #places: Places;
  readonly #blocks = new Map<number, BlockRow>();
  readonly #targets = new Map<string, string>();
  /** What will be there of ours, by row id; only that, because a save may be about a million rows. */
  readonly #rows = new Map<number, SegmentsText | null>();
  readonly #edits: ForeignEdit[] = [];
  readonly #conflicts: Array<{ readonly path: string; readonly beside: string }> = [];
  readonly #namedBlocks = new Set<number>();
  #bytesOut = 0;
  #files = 0;
  /** Planned ones that were nowhere in the collection before. */
  #newFiles = 0;
  #fileBytes = 0;
  #deleted = 0;
  #reset = 0;
  #more = false;

  constructor(store: JournalStore, request: SaveRequest) {
    this.#store = store;
    this.#request = request;
    this.#places = new Places(store, request);
  }

  build(): PlannedSave {
    const manifestText = [...manifestChunks(this.#entries())].join('');
    return {
      manifestText,
      replaceFiles: Object.fromEntries(this.#targets),
      files: this.#files,
      bytes: this.#fileBytes,
      deleted: this.#deleted,
      resetFiles: this.#reset,
      more: this.#more,
      conflicts: this.#conflicts,
      rows: this.#rows,
      edits: this.#edits,
      isWhole: this.#isWhole(),
    };
  }

  #isWhole(): boolean {
    const { tallies } = this.#store;
    const { folderId } = this.#request;
    return (
      this.#newFiles > 0 &&
      this.#newFiles === this.#rows.size &&
      this.#targets.size === (this.#request.isNew === true ? 0 : this.#newFiles) &&
      this.#newFiles === tallies.of(folderId, 'stored').files &&
      tallies.of(folderId, 'dirsToSave').files === 0 &&
      this.#edits.length === 0
    );
  }

  /** Plans the save; what its manifest holds comes out on the way, so that it need not be kept. */
  *#entries(): Generator<ManifestEntry> {
    const { folderId } = this.#request;
    const { entries } = this.#store;
    for (const row of entries.withSource(folderId)) {
      if (this.#isFull()) {
        break;
      }
      this.#putFromSource(row);
    }
    for (const row of entries.inState(folderId, 'stored')) {
      if (this.#isFull()) {
        break;
      }
      const entry = this.#rows.has(row.id) ? undefined : this.#put(row);
      if (entry !== undefined) {
        yield entry;
      }
    }
    if (!this.#more) {
      this.#deletes();
    }
  }

  #isFull(): boolean {
    if (this.#bytesOut >= this.#request.limitBytes && this.#rows.size > 0) {
      this.#more = true;
    }
    return this.#more;
  }

  #putFromSource(row: EntryRow): void {
    const { folderId, remoteUnchanged, remoteManifest } = this.#request;
    if (row.segments === row.saved_segments || (!remoteUnchanged && remoteManifest === undefined)) {
      return;
    }
    const source = row.source === null ? undefined : this.#store.entries.find(folderId, row.source);
    if (source === undefined || source.saved_segments !== row.segments) {
      return;
    }
    const clearing = this.#places.clear(row);
    if (clearing !== undefined) {
      this.#take(clearing);
      this.#plan(row, row.segments, `current/${pathOf(source)}`);
    }
  }

  /** Plans one row; what of it goes into the manifest, if anything does. */
  #put(row: EntryRow): ManifestEntry | undefined {
    if (row.kind === 'dir') {
      return this.#putDir(row);
    }
    if (row.segments === null || row.segments === row.saved_segments) {
      settle(this.#store, row, row.saved_segments, this.#request.nowMs);
      return undefined;
    }
    const ranges = this.#ranges(row.segments);
    if (ranges === undefined) {
      this.#readAgain(row);
      return undefined;
    }
    const clearing = this.#places.clear(row);
    if (clearing === undefined) {
      return undefined;
    }
    this.#take(clearing);
    this.#bytesOut += row.name.length + TOKEN_BYTES;
    this.#newFiles += row.saved_segments === null ? 1 : 0;
    this.#plan(row, row.segments, `manifest_text/${pathOf(row)}`);
    return { path: pathOf(row), segments: ranges };
  }

  /** Only empty directories are named; the others are there because of what is in them. */
  #putDir(row: EntryRow): ManifestEntry | undefined {
    const { folderId, nowMs } = this.#request;
    const { entries, foreign } = this.#store;
    const path = pathOf(row);
    const isOverFile = row.saved_segments !== null && row.saved_segments !== SAVED_DIR;
    if (entries.hasLiveChild(folderId, path)) {
      if (isOverFile) {
        this.#plan(row, null, '');
      } else {
        settle(this.#store, row, row.saved_segments, nowMs);
      }
      return undefined;
    }
    const here = foreign.at(folderId, path);
    const isThere =
      !isOverFile && (here?.isDir === true || foreign.hasBelow(folderId, path) || this.#hasSavedBelow(path));
    if (isThere) {
      if (here?.isDir === true) {
        foreign.remove(folderId, path);
      }
      settle(this.#store, row, SAVED_DIR, nowMs);
      return undefined;
    }
    const clearing = this.#places.clear(row);
    if (clearing === undefined) {
      return undefined;
    }
    this.#take(clearing);
    this.#bytesOut += path.length + 2 * TOKEN_BYTES;
    this.#plan(row, SAVED_DIR, `manifest_text/${path}`);
    return { path, emptyDir: true };
  }

  #hasSavedBelow(path: string): boolean {
    for (const row of this.#store.entries.below(this.#request.folderId, path)) {
      if (row.saved_segments !== null) {
        return true;
      }
    }
    return false;
  }

  /** Signed ranges; undefined where a signature runs out too soon. */
  #ranges(segments: string): BlockRange[] | undefined {
    const ranges: BlockRange[] = [];
    for (const { blockId, offset, length } of parseSegments(segments)) {
      const block = this.#block(blockId);
      if (block.expires_ms < this.#request.signatureValidUntilMs) {
        return undefined;
      }
      if (!this.#namedBlocks.has(blockId)) {
        this.#namedBlocks.add(blockId);
        this.#bytesOut += block.locator.length + 1;
      }
      ranges.push({ locator: block.locator, offset, length });
    }
    return ranges;
  }

  #block(blockId: number): BlockRow {
    let block = this.#blocks.get(blockId);
    if (block === undefined) {
      if (this.#blocks.size >= CACHED_BLOCKS) {
        this.#blocks.clear();
      }
      block = this.#store.blocks.get(blockId);
      this.#blocks.set(blockId, block);
    }
    return block;
  }

  /** The file's block may be gone from the cluster. Its bytes must not pass for known, or nobody would send them again. */
  #readAgain(row: EntryRow): void {
    const { nowMs } = this.#request;
    const { entries } = this.#store;
    if (row.digest !== null) {
      for (const other of entries.withDigest(row.folder_id, row.size, row.digest)) {
        // What the collection has needs no signature.
        if (other.id !== row.id && knownSegments(other) !== other.saved_segments) {
          entries.update(other, { digest: null });
        }
      }
    }
    entries.update(row, { ...pendingChange(row, nowMs, nowMs), digest: null });
    this.#reset += 1;
  }

  #take(clearing: Clearing): void {
    this.#places.accept(clearing);
    for (const [target, source] of clearing.targets) {
      this.#target(target, source);
    }
    for (const planned of clearing.rows) {
      if (!this.#rows.has(planned.row.id)) {
        this.#rows.set(planned.row.id, planned.put);
        this.#deleted += planned.row.kind === 'file' && planned.row.state === 'deleted' ? 1 : 0;
      }
    }
    this.#edits.push(...clearing.edits);
    this.#conflicts.push(...clearing.conflicts);
  }

  #plan(row: EntryRow, put: SegmentsText | null, source: string): void {
    this.#rows.set(row.id, put);
    if (this.#request.isNew !== true) {
      this.#target(`/${pathOf(row)}`, source);
    }
    if (put !== null && row.kind === 'file') {
      this.#files += 1;
      this.#fileBytes += row.size;
    }
  }

  #target(target: string, source: string): void {
    if (source !== '' || !this.#targets.has(target)) {
      this.#targets.set(target, source);
    }
    this.#bytesOut += target.length + source.length + TARGET_BYTES;
  }

  #deletes(): void {
    const { folderId } = this.#request;
    const { entries } = this.#store;
    for (const row of entries.inState(folderId, 'deleted')) {
      if (row.saved_segments === SAVED_DIR && !this.#rows.has(row.id)) {
        if (this.#isFull()) {
          return;
        }
        this.#deleteDir(row);
      }
    }
    for (const row of entries.inState(folderId, 'deleted')) {
      if (this.#rows.has(row.id)) {
        continue;
      }
      if (row.saved_segments === null) {
        dropEntry(this.#store, row);
      } else if (row.saved_segments !== SAVED_DIR) {
        if (this.#isFull()) {
          return;
        }
        this.#deleted += 1;
        this.#plan(row, null, '');
      }
    }
  }

  /** A whole directory goes with one target, but only where nothing in it is anybody else's, or still wanted. */
  #deleteDir(row: EntryRow): void {
    const { folderId } = this.#request;
    const path = pathOf(row);
    const below: EntryRow[] = [];
    for (const inside of this.#store.entries.below(folderId, path)) {
      if (inside.state !== 'deleted') {
        return;
      }
      below.push(inside);
    }
    if (
      this.#store.foreign.at(folderId, path)?.isDir === false ||
      this.#store.foreign.hasBelow(folderId, path)
    ) {
      dropEntry(this.#store, row);
      return;
    }
    this.#plan(row, null, '');
    for (const inside of below) {
      if (!this.#rows.has(inside.id)) {
        this.#rows.set(inside.id, null);
        this.#deleted += inside.kind === 'file' ? 1 : 0;
      }
    }
  }
}

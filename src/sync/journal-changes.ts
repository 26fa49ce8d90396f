import { type ErrorRecord, KeepsyncError } from '../base/errors.ts';
import { remainingCalmMs } from '../local/calm.ts';
import type { FileStat, TreeChange } from '../local/ports.ts';
import {
  type Content,
  contentFrom,
  dirState,
  dropEntry,
  isThere,
  pendingChange,
  storedChange,
} from './journal-moves.ts';
import type { CalmSettings } from './journal-port.ts';
import { ancestorsOf, type EntryRow, pathOf, splitPath } from './journal-rows.ts';
import type { JournalStore } from './journal-store.ts';

interface ChangeOptions {
  readonly nowMs: number;
  readonly calm: CalmSettings;
}

/** An error as a row keeps it: without its stack, which a person never sees. */
export function errorText(error: ErrorRecord): string {
  const { stack: _, code, ...kept } = error;
  // The code first: lists are filtered by how the text begins.
  return JSON.stringify({ code, ...kept });
}

/** Takes one batch of a scan's findings into the journal; inside a transaction. */
export class ChangeBatch {
  readonly #store: JournalStore;
  readonly #folderId: number;
  readonly #nowMs: number;
  readonly #calm: CalmSettings;
  /** Content of rows that had the stamp of a file of this batch before the batch touched them. */
  readonly #twins = new Map<string, Content>();
  /** Paths of this batch for which there is no row (yet). */
  readonly #absent = new Set<string>();
  readonly #dirsWithChild = new Set<string>();
  readonly #dirsThatLost = new Set<string>();
  pending = 0;
  taken = 0;
  gone = 0;

  constructor(store: JournalStore, folderId: number, options: ChangeOptions) {
    this.#store = store;
    this.#folderId = folderId;
    this.#nowMs = Math.floor(options.nowMs);
    this.#calm = options.calm;
  }

  apply(changes: readonly TreeChange[]): void {
    this.#findTwins(changes);
    this.#findAbsent(changes);
    for (const change of changes) {
      switch (change.type) {
        case 'file':
          this.#file(change.path, change.diskPath, change.stat);
          break;
        case 'dir':
          this.#dir(change.path, change.diskPath);
          break;
        case 'held':
          this.#held(change.path, change.diskPath, change.error);
          break;
        case 'gone':
          this.#goneAt(change.path, change.wasDir);
          break;
      }
    }
    for (const dir of this.#dirsThatLost) {
      const row = dir === '' ? undefined : this.#store.entries.find(this.#folderId, dir);
      if (
        isThere(row) &&
        row.kind === 'dir' &&
        row.state === 'saved' &&
        dirState(this.#store, row) === 'stored'
      ) {
        this.#store.entries.update(row, { state: 'stored', since_ms: this.#nowMs });
      }
    }
  }

  #findTwins(changes: readonly TreeChange[]): void {
    const stamps = changes.flatMap((change) => (change.type === 'file' ? [change.stat.stamp] : []));
    const found = this.#store.entries.stampsFound(this.#folderId, stamps);
    for (const change of changes) {
      if (change.type !== 'file' || change.stat.stamp === '' || !found.has(change.stat.stamp)) {
        continue;
      }
      const { stamp, sizeBytes } = change.stat;
      for (const row of this.#store.entries.withStamp(this.#folderId, stamp)) {
        if (
          row.kind === 'file' &&
          row.size === sizeBytes &&
          row.segments !== null &&
          pathOf(row) !== change.path
        ) {
          const content = contentFrom(row, row.segments);
          if (content.source !== null || !this.#twins.has(stamp)) {
            this.#twins.set(stamp, content);
          }
        }
      }
    }
  }

  /** Directory by directory, so that a file that is new need not be looked for by itself. */
  #findAbsent(changes: readonly TreeChange[]): void {
    const namesByDir = new Map<string, string[]>();
    for (const change of changes) {
      if (change.type === 'file') {
        const [dir, name] = splitPath(change.path);
        const names = namesByDir.get(dir);
        if (names === undefined) {
          namesByDir.set(dir, [name]);
        } else {
          names.push(name);
        }
        this.#absent.add(change.path);
      }
    }
    for (const [dir, names] of namesByDir) {
      for (const name of this.#store.entries.namesFound(this.#folderId, dir, names)) {
        this.#absent.delete(pathOf({ dir, name }));
      }
    }
  }

  /** The row of a path that now gets one, or has one. */
  #take(path: string): EntryRow | undefined {
    return this.#absent.delete(path) ? undefined : this.#store.entries.find(this.#folderId, path);
  }

  #file(path: string, diskPath: string, stat: FileStat): void {
    const { entries } = this.#store;
    const row = this.#take(path);
    if (isThere(row) && row.kind === 'dir') {
      this.#goneBelow(path);
    }
    const seen = {
      kind: 'file' as const,
      size: stat.sizeBytes,
      stamp: stat.stamp,
      changed_ms: Math.floor(stat.changedAtMs),
      base_id: this.#store.bases.idFor(this.#folderId, path, diskPath),
    };
    if (row === undefined) {
      this.#newFile(path, seen);
      return;
    }
    const isSame = row.kind === 'file' && row.stamp === stat.stamp && stat.stamp !== '';
    if (isSame && isThere(row) && row.state !== 'held') {
      if (row.base_id !== seen.base_id) {
        entries.update(row, { base_id: seen.base_id });
      }
      return;
    }
    const content =
      isSame && row.segments !== null
        ? { segments: row.segments, digest: row.digest, source: null }
        : this.#twins.get(stat.stamp);
    if (!isSame) {
      this.#store.pieces.removeAll(row.id);
    }
    if (content === undefined) {
      entries.update(row, { ...seen, ...pendingChange(row, this.#dueMs(seen), this.#nowMs) });
      this.pending += 1;
    } else {
      entries.update(row, { ...seen, ...storedChange(this.#store, row, content, this.#nowMs) });
      this.taken += 1;
    }
    this.#fillDirsOf(path);
  }

  #newFile(path: string, seen: Pick<EntryRow, 'kind' | 'size' | 'stamp' | 'changed_ms' | 'base_id'>): void {
    const [dir, name] = splitPath(path);
    const row = {
      ...seen,
      folder_id: this.#folderId,
      dir,
      name,
      state: 'pending' as const,
      digest: null,
      segments: null,
      saved_segments: null,
      source: null,
      due_ms: this.#dueMs(seen),
      attempts: 0,
      error: null,
      since_ms: this.#nowMs,
    };
    const content = this.#twins.get(seen.stamp);
    const isFirstInDir = this.#fillDirsOf(path);
    if (content !== undefined) {
      this.#store.entries.insert({ ...row, ...storedChange(this.#store, row, content, this.#nowMs) });
      this.taken += 1;
      return;
    }
    if (isFirstInDir || row.due_ms > this.#nowMs || seen.stamp === '') {
      this.#store.entries.insert(row);
    } else {
      this.#store.entries.keep(row);
    }
    this.pending += 1;
  }

  /** When a file that has to be read may be: at once, unless it changed within its calm period. */
  #dueMs(seen: Pick<EntryRow, 'size' | 'changed_ms'>): number {
    const stat = { sizeBytes: seen.size, changedAtMs: seen.changed_ms };
    const restMs = remainingCalmMs(stat, { nowMs: this.#nowMs, observedForMs: 0 }, this.#calm);
    return this.#nowMs + Math.ceil(restMs);
  }

  #dir(path: string, diskPath: string): void {
    const { entries, bases } = this.#store;
    const row = this.#take(path);
    if (row === undefined) {
      const [dir, name] = splitPath(path);
      const isFirstInDir = this.#fillDirsOf(path);
      const found: Omit<EntryRow, 'id'> = {
        folder_id: this.#folderId,
        dir,
        name,
        kind: 'dir',
        size: 0,
        stamp: '',
        changed_ms: 0,
        base_id: bases.idFor(this.#folderId, path, diskPath),
        state: entries.hasLiveChild(this.#folderId, path) ? 'saved' : 'stored',
        digest: null,
        segments: null,
        saved_segments: null,
        source: null,
        due_ms: null,
        attempts: 0,
        error: null,
        since_ms: this.#nowMs,
      };
      if (isFirstInDir) {
        entries.insert(found);
      } else {
        entries.keep(found);
      }
      return;
    }
    this.#becomeDir(row);
    this.#fillDirsOf(path);
  }

  #becomeDir(row: EntryRow): void {
    if (isThere(row) && row.kind === 'dir' && row.state !== 'held') {
      return;
    }
    this.#store.pieces.removeAll(row.id);
    this.#store.entries.update(row, {
      kind: 'dir',
      size: 0,
      stamp: '',
      changed_ms: 0,
      state: dirState(this.#store, row),
      digest: null,
      segments: null,
      source: null,
      due_ms: null,
      attempts: 0,
      error: null,
      since_ms: this.#nowMs,
    });
  }

  /**
   * What lies at `path` is on disk, so its directories are directories, and none of them is empty. Returns whether a written
   * row says so from now on: then what lies there must be written, too, or after a kill nobody would see that it is empty.
   */
  #fillDirsOf(path: string): boolean {
    const [parent] = splitPath(path);
    if (parent === '' || this.#dirsWithChild.has(parent)) {
      return false;
    }
    const { entries } = this.#store;
    let hasWritten = false;
    for (const dir of ancestorsOf(path).reverse()) {
      if (this.#dirsWithChild.has(dir)) {
        return hasWritten;
      }
      this.#dirsWithChild.add(dir);
      const row = entries.find(this.#folderId, dir);
      if (row === undefined) {
        continue;
      }
      const isWritten = entries.found.get(row.id) === undefined;
      if (!isThere(row) || row.kind === 'file') {
        hasWritten = true;
        this.#becomeDir(row);
      } else if (row.state === 'stored' && row.saved_segments === null) {
        hasWritten ||= isWritten;
        entries.update(row, { state: 'saved' });
      }
    }
    return hasWritten;
  }

  #held(path: string, diskPath: string, error: ErrorRecord): void {
    const { entries, bases } = this.#store;
    const row = this.#take(path);
    const text = errorText(error);
    if (row === undefined) {
      const [dir, name] = splitPath(path);
      entries.insert({
        folder_id: this.#folderId,
        dir,
        name,
        kind: 'file',
        size: 0,
        stamp: '',
        changed_ms: 0,
        base_id: bases.idFor(this.#folderId, path, diskPath),
        state: 'held',
        digest: null,
        segments: null,
        saved_segments: null,
        source: null,
        due_ms: null,
        attempts: 0,
        error: text,
        since_ms: this.#nowMs,
      });
    } else if (row.state !== 'held' || row.error !== text) {
      this.#store.pieces.removeAll(row.id);
      entries.update(row, {
        state: 'held',
        stamp: '',
        segments: null,
        digest: digestOfHeld(row),
        source: null,
        due_ms: null,
        error: text,
        since_ms: row.state === 'held' ? row.since_ms : this.#nowMs,
      });
    }
    this.#fillDirsOf(path);
  }

  #goneAt(path: string, wasDir: boolean): void {
    this.#store.entries.writeFound(this.#folderId);
    const row = this.#store.entries.find(this.#folderId, path);
    if (wasDir || row?.kind === 'dir') {
      this.#goneBelow(path);
    }
    if (row !== undefined) {
      this.#goneRow(row);
    }
    const [dir] = splitPath(path);
    this.#dirsThatLost.add(dir);
  }

  #goneBelow(path: string): void {
    this.#store.entries.writeFound(this.#folderId);
    for (const row of this.#store.entries.below(this.#folderId, path)) {
      this.#goneRow(row);
    }
  }

  #goneRow(row: EntryRow): void {
    this.#dirsWithChild.clear();
    if (!isThere(row)) {
      return;
    }
    // Where rows are left below, a directory may be in the collection because of them, whatever the disk had since.
    const mayBeSaved =
      row.saved_segments !== null ||
      this.#store.sent.ofEntry(row.id).some((sent) => sent.put !== null) ||
      this.#store.entries.hasRowBelow(this.#folderId, pathOf(row));
    if (!mayBeSaved) {
      dropEntry(this.#store, row);
      return;
    }
    this.#store.entries.update(row, {
      state: 'gone',
      source: null,
      due_ms: null,
      error: null,
      since_ms: this.#nowMs,
    });
    this.gone += row.kind === 'file' ? 1 : 0;
  }
}

function digestOfHeld(row: EntryRow): string | null {
  return row.segments === null || row.segments === row.saved_segments ? row.digest : null;
}

/** For calls that name a folder: NOT_FOUND before anything is written for one that was removed. */
export function requireFolder(store: JournalStore, folderId: number): void {
  if (!Number.isSafeInteger(folderId)) {
    throw new KeepsyncError('INTERNAL', 'a folder is named by its row id');
  }
  store.folders.get(folderId);
}

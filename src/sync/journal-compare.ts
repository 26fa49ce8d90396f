import { IdSet } from './journal-id-set.ts';
import { dirState, dropEntry } from './journal-moves.ts';
import type { RemoteDrift } from './journal-port.ts';
import { ancestorsOf, type EntryRow, pathOf } from './journal-rows.ts';
import { ContentText, parseSegments, SAVED_DIR, type SegmentsText } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';
import { visitRemote } from './save-remote.ts';

/** Blocks whose names are kept at hand while rows are compared. */
const CACHED_BLOCKS = 50_000;

/** How many lost paths are named. */
const EXAMPLES = 5;

/** Segments as comparable texts, like those of a manifest. */
class RowContents {
  readonly #store: JournalStore;
  readonly #names = new Map<number, string>();

  constructor(store: JournalStore) {
    this.#store = store;
  }

  textOf(segments: SegmentsText): string {
    const content = new ContentText();
    for (const { blockId, offset, length } of parseSegments(segments)) {
      content.add(this.#nameOf(blockId), offset, length);
    }
    return content.done();
  }

  #nameOf(blockId: number): string {
    let name = this.#names.get(blockId);
    if (name === undefined) {
      if (this.#names.size >= CACHED_BLOCKS) {
        this.#names.clear();
      }
      name = this.#store.blocks.get(blockId).md5size;
      this.#names.set(blockId, name);
    }
    return name;
  }
}

/**
 * The collection is now known to have `remote` of ours at the row's path (null: nothing of ours). The one place that
 * says what that makes of a row, whatever happened to it meanwhile. Returns whether a saved row is to be saved again.
 */
export function settle(
  store: JournalStore,
  row: EntryRow,
  remote: SegmentsText | null,
  nowMs?: number,
): boolean {
  store.sent.settle(row.id);
  if (remote === null && (row.state === 'gone' || row.state === 'deleted')) {
    dropEntry(store, row);
    return false;
  }
  const known = { ...row, saved_segments: remote };
  let { state } = row;
  if (row.kind === 'dir' && (state === 'saved' || state === 'stored')) {
    state = dirState(store, known);
  } else if (state === 'stored' && row.segments === remote) {
    state = 'saved';
  } else if (state === 'saved' && row.segments !== remote) {
    state = 'stored';
  }
  if (state !== row.state || row.saved_segments !== remote) {
    store.entries.update(row, {
      state,
      saved_segments: remote,
      // Without segments of its own, the row's digest was about what was saved before.
      ...(row.segments === null && row.saved_segments !== remote ? { digest: null } : {}),
      ...(state === 'saved' ? { source: null } : {}),
      ...(state === row.state || nowMs === undefined ? {} : { since_ms: nowMs }),
    });
  }
  return row.state === 'saved' && state === 'stored';
}

/**
 * Goes through a collection's manifest and settles every row: what the collection has as we saved it stays (or becomes)
 * saved, what it lost is stored again, and what else it holds becomes foreign. In a transaction.
 */
export function compareWithRemote(store: JournalStore, folderId: number, manifestText: string): RemoteDrift {
  return new Comparison(store, folderId).run(manifestText);
}

class Comparison {
  readonly #store: JournalStore;
  readonly #folderId: number;
  readonly #contents: RowContents;
  /** Rows about whose path the manifest has spoken. */
  readonly #settled = new IdSet();
  readonly #dirs = new Set<string>();
  readonly #examples: string[] = [];
  #lost = 0;

  constructor(store: JournalStore, folderId: number) {
    this.#store = store;
    this.#folderId = folderId;
    this.#contents = new RowContents(store);
  }

  run(manifestText: string): RemoteDrift {
    this.#store.foreign.clear(this.#folderId);
    visitRemote(manifestText, {
      files: (dir, files) => this.#files(dir, files),
      emptyDir: (path) => this.#emptyDir(path),
    });
    for (const id of this.#store.entries.ids(this.#folderId)) {
      const row = this.#settled.has(id) ? undefined : this.#store.entries.get(id);
      if (row !== undefined) {
        this.#settle(row, null);
      }
    }
    return { lost: this.#lost, examples: this.#examples };
  }

  #files(dir: string, files: Map<string, string>): void {
    this.#dirThere(dir);
    for (const row of this.#store.entries.in(this.#folderId, dir)) {
      const content = files.get(row.name);
      if (content !== undefined && this.#fileThere(row, content)) {
        files.delete(row.name);
      }
    }
    for (const [name, content] of files) {
      this.#store.foreign.add(this.#folderId, pathOf({ dir, name }), false, content);
    }
  }

  /** Whether the file at the row's path is ours. */
  #fileThere(row: EntryRow, content: string): boolean {
    const ours = [
      row.saved_segments,
      row.segments,
      ...this.#store.sent.ofEntry(row.id).map((sent) => sent.put),
    ].find(
      (segments) =>
        segments !== null && segments !== SAVED_DIR && this.#contents.textOf(segments) === content,
    );
    if (ours === undefined || ours === null) {
      return false;
    }
    this.#settled.add(row.id);
    this.#settle(row, ours);
    return true;
  }

  #emptyDir(path: string): void {
    const row = this.#store.entries.find(this.#folderId, path);
    if (row === undefined || !this.#mayBeOurDir(row)) {
      this.#store.foreign.add(this.#folderId, path, true);
    }
    this.#dirThere(path);
  }

  #mayBeOurDir(row: EntryRow): boolean {
    return (
      row.kind === 'dir' ||
      row.saved_segments === SAVED_DIR ||
      this.#store.sent.ofEntry(row.id).some((sent) => sent.put === SAVED_DIR) ||
      // A file now; while a save without an answer was built it was the directory of what has rows below.
      (row.saved_segments === null && this.#store.entries.hasRowBelow(this.#folderId, pathOf(row)))
    );
  }

  #dirThere(dir: string): void {
    for (const path of [...ancestorsOf(dir), dir].reverse()) {
      if (path === '' || this.#dirs.has(path)) {
        return;
      }
      this.#dirs.add(path);
      const row = this.#store.entries.find(this.#folderId, path);
      if (row !== undefined && this.#mayBeOurDir(row)) {
        this.#settled.add(row.id);
        this.#settle(row, SAVED_DIR);
      }
    }
  }

  #settle(row: EntryRow, remote: SegmentsText | null): void {
    if (settle(this.#store, row, remote)) {
      this.#lost += 1;
      if (this.#examples.length < EXAMPLES) {
        this.#examples.push(pathOf(row));
      }
    }
  }
}

import type { StatementSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';
import { portableDataHash } from '../collection/manifest-text.ts';
import { compareWithRemote, settle } from './journal-compare.ts';
import type { BuiltSave, RemoteDrift, SaveRequest, SaveResult } from './journal-port.ts';
import { ancestorsOf, type EntryRow, pathOf } from './journal-rows.ts';
import { checkedSave, type SaveRow, saveSum } from './journal-save-rows.ts';
import { SAVE_COLUMNS } from './journal-schema.ts';
import { SAVED_DIR } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';
import { damaged } from './journal-sums.ts';
import { SaveBuilder } from './save-builder.ts';
import type { ForeignEdit } from './save-places.ts';

interface OpenSave {
  readonly folderId: number;
  readonly edits: readonly ForeignEdit[];
}

/** Saves between being built and being answered. Everything but the constructor runs in a transaction. */
export class SaveLog {
  readonly #store: JournalStore;
  readonly #open = new Map<number, OpenSave>();
  readonly #insert: StatementSync;
  readonly #byId: StatementSync;
  readonly #update: StatementSync;
  readonly #discard: StatementSync;
  readonly #discardUnanswered: StatementSync;

  constructor(store: JournalStore) {
    this.#store = store;
    const { database } = store;
    this.#insert = database.prepare(
      'INSERT INTO save (folder_id, files, bytes, deleted, sum) VALUES (?, 0, 0, 0, 0)',
    );
    this.#byId = database.prepare(`SELECT ${SAVE_COLUMNS}, sum FROM save WHERE id = ?`);
    this.#update = database.prepare(
      'UPDATE save SET at_ms = ?, files = ?, bytes = ?, deleted = ?, pdh = ?, version = ?, sum = ? WHERE id = ?',
    );
    this.#discard = database.prepare('DELETE FROM save WHERE id = ?');
    this.#discardUnanswered = database.prepare('DELETE FROM save WHERE folder_id = ? AND at_ms IS NULL');
  }

  /** What the journal knows of the collection is, from here on, of this very state of it. */
  compare(folderId: number, manifestText: string, remotePdh = portableDataHash(manifestText)): RemoteDrift {
    const drift = compareWithRemote(this.#store, folderId, manifestText);
    this.#store.folders.update(folderId, { remotePdh });
    return drift;
  }

  build(request: SaveRequest): BuiltSave | undefined {
    const { folderId } = request;
    for (const [saveId, open] of this.#open) {
      if (open.folderId === folderId) {
        // Its answer never came to us. What it may have done stays in mind until a look at the collection.
        this.#open.delete(saveId);
      }
    }
    if (request.isNew === true && this.#store.sent.isUnsure(folderId)) {
      // An earlier one may have made the collection: that has to be looked at.
      return undefined;
    }
    this.#look(request);
    const { rows, edits, isWhole, ...built } = new SaveBuilder(this.#store, request).build();
    if ((rows.size === 0 && built.resetFiles === 0) || (request.isNew === true && !isWhole)) {
      return undefined;
    }
    const saveId = Number(this.#insert.run(folderId).lastInsertRowid);
    const { files, bytes, deleted } = built;
    this.#write({ id: saveId, folderId, atMs: null, files, bytes, deleted, pdh: null, version: null });
    if (isWhole) {
      this.#store.wholeSaves.begin(folderId, saveId);
    } else {
      for (const [entryId, put] of rows) {
        this.#store.sent.add({ entryId, saveId, put });
      }
    }
    this.#open.set(saveId, { folderId, edits });
    return request.isNew === true
      ? { saveId, ...built, portableDataHash: portableDataHash(built.manifestText) }
      : { saveId, ...built };
  }

  /** Puts what is only known of saves as a whole into the rows, so that these can be looked at and changed. */
  writeWhole(): void {
    const { wholeSaves, entries, sent } = this.#store;
    for (const folderId of wholeSaves.folders()) {
      const saveId = wholeSaves.of(folderId) ?? 0;
      const { atMs } = this.#row(saveId);
      wholeSaves.end(folderId);
      if (atMs === null) {
        for (const row of entries.inState(folderId, 'stored')) {
          sent.add({ entryId: row.id, saveId, put: row.segments });
        }
      } else {
        this.#settleWhole(folderId, atMs);
      }
    }
  }

  #settleWhole(folderId: number, atMs: number): void {
    const filled = new Set<string>();
    for (const row of this.#store.entries.inState(folderId, 'stored')) {
      this.#fillDirs(row, filled);
      settle(this.#store, row, row.segments, atMs);
    }
    this.#settleFilled(folderId, filled, atMs);
    this.#sweep(folderId, atMs);
  }

  /** Brings what is known of the collection up to date, so that the save can be built from the journal alone. */
  #look({ folderId, remoteManifest, remoteUnchanged }: SaveRequest): void {
    if (remoteManifest !== undefined) {
      const remotePdh = portableDataHash(remoteManifest);
      if (this.#store.folders.get(folderId).remotePdh !== remotePdh) {
        this.compare(folderId, remoteManifest, remotePdh);
        return;
      }
    } else if (!remoteUnchanged) {
      return;
    }
    // As it was: no save without an answer has done anything.
    this.#store.sent.removeFolder(folderId);
    this.#discardUnanswered.run(folderId);
  }

  /** Whether only the save as a whole is noted, not what it did to each row. */
  isWhole(saveId: number): boolean {
    const folderId = this.#open.get(saveId)?.folderId;
    return folderId !== undefined && this.#store.wholeSaves.of(folderId) === saveId;
  }

  finish(saveId: number, result: SaveResult): void {
    const open = this.#required(saveId);
    const { folderId } = open;
    const atMs = Math.floor(result.atMs);
    if (result.collided) {
      this.#inDoubt(saveId, folderId, { ...result, atMs });
      return;
    }
    if (this.isWhole(saveId)) {
      this.#finishWhole(saveId, folderId, { ...result, atMs });
      return;
    }
    let isEmpty = true;
    this.#store.sent.settleAll(saveId, () => {
      isEmpty = !this.#settleSent(folderId, saveId, atMs);
    });
    for (const edit of open.edits) {
      if (edit.type === 'add') {
        this.#store.foreign.add(folderId, edit.path, edit.isDir);
      } else {
        this.#store.foreign.remove(folderId, edit.path);
      }
    }
    this.#store.folders.update(folderId, {
      remotePdh: result.portableDataHash,
      remoteVersion: result.version,
      ...(isEmpty ? {} : { lastSaveAtMs: atMs }),
    });
    if (isEmpty) {
      this.#discard.run(saveId);
    } else {
      this.#answered(saveId, { ...result, atMs });
    }
    this.#sweep(folderId, atMs);
    this.#open.delete(saveId);
  }

  /** All that the save sent is in the collection, and nothing has changed since: one line says so for all rows. */
  #finishWhole(saveId: number, folderId: number, result: SaveResult): void {
    const { portableDataHash: remotePdh, version: remoteVersion, atMs: lastSaveAtMs } = result;
    this.#store.folders.update(folderId, { remotePdh, remoteVersion, lastSaveAtMs });
    this.#answered(saveId, result);
    this.#open.delete(saveId);
  }

  #sweep(folderId: number, atMs: number): void {
    this.#store.blocks.flush();
    this.#store.blocks.sweep(folderId, atMs);
  }

  /** Whatever the save sent is in the collection now. Returns whether there was anything. */
  #settleSent(folderId: number, saveId: number, atMs: number): boolean {
    let hasAny = false;
    let hasRemoved = false;
    const filled = new Set<string>();
    for (const { entryId, put } of this.#store.sent.ofSave(saveId)) {
      hasAny = true;
      const row = this.#store.entries.get(entryId);
      if (row === undefined) {
        this.#store.sent.settle(entryId);
      } else if (put === null) {
        hasRemoved = true;
      } else {
        this.#fillDirs(row, filled);
        settle(this.#store, row, put, atMs);
      }
    }
    // What is left went away, unless something was put below it: then a directory of ours is there now.
    for (const { entryId } of hasRemoved ? this.#store.sent.ofSave(saveId) : []) {
      const row = this.#store.entries.get(entryId);
      if (row !== undefined) {
        settle(this.#store, row, filled.has(pathOf(row)) ? SAVED_DIR : null, atMs);
      }
    }
    this.#settleFilled(folderId, filled, atMs);
    return hasAny;
  }

  /** Directories that have something in them now. */
  #settleFilled(folderId: number, filled: ReadonlySet<string>, atMs: number): void {
    for (const path of filled) {
      const row = this.#store.entries.find(folderId, path);
      if (row !== undefined && (row.kind === 'dir' || row.saved_segments === null)) {
        settle(this.#store, row, SAVED_DIR, atMs);
      }
      if (this.#store.foreign.at(folderId, path)?.isDir === true) {
        this.#store.foreign.remove(folderId, path);
      }
    }
  }

  /**
   * It was answered, but others wrote at the same moment: what was copied from a path of the collection may be theirs. Rows
   * are saved when the next look has seen them there, as after an answer that was lost.
   */
  #inDoubt(saveId: number, folderId: number, result: SaveResult): void {
    this.#store.folders.update(folderId, {
      remotePdh: null,
      remoteVersion: result.version,
      lastSaveAtMs: result.atMs,
    });
    this.#answered(saveId, result);
    this.abandon(saveId);
  }

  #answered(saveId: number, { atMs, portableDataHash: pdh, version }: SaveResult): void {
    this.#write({ ...this.#row(saveId), atMs, pdh, version });
  }

  #row(saveId: number): SaveRow {
    const row = this.#byId.get(saveId);
    if (row === undefined) {
      throw damaged('a save that is under way has no row');
    }
    return checkedSave(row);
  }

  abandon(saveId: number): void {
    this.#required(saveId);
    this.#open.delete(saveId);
  }

  forgetFolder(folderId: number): void {
    for (const [saveId, open] of this.#open) {
      if (open.folderId === folderId) {
        this.#open.delete(saveId);
      }
    }
  }

  #fillDirs(row: EntryRow, filled: Set<string>): void {
    if (row.dir === '' || filled.has(row.dir)) {
      return;
    }
    for (const dir of ancestorsOf(pathOf(row)).reverse()) {
      if (filled.has(dir)) {
        return;
      }
      filled.add(dir);
    }
  }

  #write(row: SaveRow): void {
    const { id, atMs, files, bytes, deleted, pdh, version } = row;
    this.#update.run(atMs, files, bytes, deleted, pdh, version, saveSum(row), id);
  }

  #required(saveId: number): OpenSave {
    const open = this.#open.get(saveId);
    if (open === undefined) {
      throw new KeepsyncError('STATE', `Save ${saveId} is not under way`);
    }
    return open;
  }
}

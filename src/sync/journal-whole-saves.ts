import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { damaged, sumOf } from './journal-sums.ts';

/**
 * By folder, the save that sent just what each of its `stored` rows holds, as long as none of the folder's rows has changed
 * since: a first upload ends so. Nothing is written for each row then, neither when the save is built nor when it is
 * answered; this one line says it of all. Before a row changes, or is looked at, `SaveLog.writeWhole` puts it into the rows.
 */
export class WholeSaves {
  readonly #all: StatementSync;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  #byFolder: Map<number, number> | undefined;

  constructor(database: DatabaseSync) {
    this.#all = database.prepare('SELECT folder_id, save_id, sum FROM whole_save');
    this.#insert = database.prepare('INSERT INTO whole_save (folder_id, save_id, sum) VALUES (?, ?, ?)');
    this.#remove = database.prepare('DELETE FROM whole_save WHERE folder_id = ?');
  }

  get size(): number {
    return this.#lines().size;
  }

  /** Folders that have one. */
  folders(): number[] {
    return [...this.#lines().keys()];
  }

  /** The folder's one; undefined where its rows speak for themselves. */
  of(folderId: number): number | undefined {
    return this.#lines().get(folderId);
  }

  begin(folderId: number, saveId: number): void {
    this.#insert.run(folderId, saveId, sumOf([folderId, saveId]));
    this.#lines().set(folderId, saveId);
  }

  end(folderId: number): void {
    this.#remove.run(folderId);
    this.#lines().delete(folderId);
  }

  /** Reads them again; throws JOURNAL where a line does not have its checksum. */
  verify(): void {
    this.forget();
    this.#lines();
  }

  /** After a rollback. */
  forget(): void {
    this.#byFolder = undefined;
  }

  #lines(): Map<number, number> {
    if (this.#byFolder === undefined) {
      this.#byFolder = new Map();
      for (const row of this.#all.all()) {
        const folderId = Number(row.folder_id);
        const saveId = Number(row.save_id);
        if (sumOf([folderId, saveId]) !== row.sum) {
          throw damaged('what is known of a save as a whole does not have its checksum');
        }
        this.#byFolder.set(folderId, saveId);
      }
    }
    return this.#byFolder;
  }
}

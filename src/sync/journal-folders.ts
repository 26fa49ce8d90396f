import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';
import type { JournalFolder } from './journal-port.ts';
import { damaged, sumOf } from './journal-sums.ts';

/** The folder table, and the few disk paths from which those of a folder's files follow. */
export class FolderTable {
  readonly #byId: StatementSync;
  readonly #byPublicId: StatementSync;
  readonly #all: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#byId = database.prepare('SELECT * FROM folder WHERE id = ?');
    this.#byPublicId = database.prepare('SELECT * FROM folder WHERE public_id = ?');
    this.#all = database.prepare('SELECT * FROM folder ORDER BY id');
    this.#insert = database.prepare('INSERT INTO folder (public_id, sum) VALUES (?, 0)');
    this.#update = database.prepare(
      `UPDATE folder SET collection_uuid = ?, remote_pdh = ?, remote_version = ?, last_save_ms = ?, last_scan_ms = ?,
       sum = ? WHERE id = ?`,
    );
    this.#remove = database.prepare('DELETE FROM folder WHERE id = ?');
  }

  open(publicId: string): JournalFolder {
    const row = this.#byPublicId.get(publicId);
    if (row !== undefined) {
      return checkedFolder(row);
    }
    const { lastInsertRowid } = this.#insert.run(publicId);
    return this.#write({
      id: Number(lastInsertRowid),
      publicId,
      collectionUuid: null,
      remotePdh: null,
      remoteVersion: null,
      lastSaveAtMs: null,
      lastScanAtMs: null,
    });
  }

  /** Throws NOT_FOUND where it was removed meanwhile. */
  get(folderId: number): JournalFolder {
    const row = this.#byId.get(folderId);
    if (row === undefined) {
      throw new KeepsyncError('NOT_FOUND', 'The journal does not know this folder (any more)');
    }
    return checkedFolder(row);
  }

  all(): JournalFolder[] {
    return this.#all.all().map(checkedFolder);
  }

  update(folderId: number, change: Partial<Omit<JournalFolder, 'id' | 'publicId'>>): JournalFolder {
    const folder = { ...this.get(folderId), ...change };
    const { lastSaveAtMs, lastScanAtMs } = folder;
    return this.#write({
      ...folder,
      lastSaveAtMs: lastSaveAtMs === null ? null : Math.floor(lastSaveAtMs),
      lastScanAtMs: lastScanAtMs === null ? null : Math.floor(lastScanAtMs),
    });
  }

  remove(folderId: number): void {
    this.#remove.run(folderId);
  }

  #write(folder: JournalFolder): JournalFolder {
    this.#update.run(
      folder.collectionUuid,
      folder.remotePdh,
      folder.remoteVersion,
      folder.lastSaveAtMs,
      folder.lastScanAtMs,
      folderSum(folder),
      folder.id,
    );
    return folder;
  }
}

function folderSum(folder: JournalFolder): number {
  return sumOf([
    folder.id,
    folder.publicId,
    folder.collectionUuid,
    folder.remotePdh,
    folder.remoteVersion,
    folder.lastSaveAtMs,
    folder.lastScanAtMs,
  ]);
}

function checkedFolder(row: Record<string, unknown>): JournalFolder {
  const folder = {
    id: row.id,
    publicId: row.public_id,
    collectionUuid: row.collection_uuid,
    remotePdh: row.remote_pdh,
    remoteVersion: row.remote_version,
    lastSaveAtMs: row.last_save_ms,
    lastScanAtMs: row.last_scan_ms,
  } as JournalFolder;
  if (folderSum(folder) !== row.sum) {
    throw damaged('the row of a folder does not have its checksum');
  }
  return folder;
}

/** A disk path from which those of many entries follow: it is followed by what is left of the entry's path at `cut`. */
interface DiskBase {
  readonly id: number;
  readonly folderId: number;
  readonly diskPath: string;
  readonly cut: number;
  /** Between the parts of a disk path: '/' or '\'. */
  readonly separator: string;
}

/**
 * Disk paths without storing one per file: entry paths and disk paths share their ends, so the few beginnings are stored
 * once (one per root of the folder).
 */
export class DiskBases {
  readonly #known = new Map<string, DiskBase>();
  readonly #byIdCache = new Map<number, DiskBase>();
  readonly #byId: StatementSync;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #sum: StatementSync;
  readonly #removeFolder: StatementSync;

  constructor(database: DatabaseSync) {
    this.#byId = database.prepare('SELECT * FROM disk_base WHERE id = ?');
    this.#find = database.prepare(
      'SELECT * FROM disk_base WHERE folder_id = ? AND disk_path = ? AND cut = ? AND separator = ?',
    );
    this.#insert = database.prepare(
      'INSERT INTO disk_base (folder_id, disk_path, cut, separator, sum) VALUES (?, ?, ?, ?, 0)',
    );
    this.#sum = database.prepare('UPDATE disk_base SET sum = ? WHERE id = ?');
    this.#removeFolder = database.prepare('DELETE FROM disk_base WHERE folder_id = ?');
  }

  /** The id of the beginning that makes `diskPath` of `path`; stores it when it is new. */
  idFor(folderId: number, path: string, diskPath: string): number {
    const { base, cut, separator } = splitDiskPath(path, diskPath);
    const key = `${folderId}\0${cut}\0${separator}\0${base}`;
    const cached = this.#known.get(key);
    if (cached !== undefined) {
      return cached.id;
    }
    const row = this.#find.get(folderId, base, cut, separator);
    let found: DiskBase;
    if (row === undefined) {
      const { lastInsertRowid } = this.#insert.run(folderId, base, cut, separator);
      found = { id: Number(lastInsertRowid), folderId, diskPath: base, cut, separator };
      this.#sum.run(baseSum(found), found.id);
    } else {
      found = checkedBase(row);
    }
    this.#known.set(key, found);
    return found.id;
  }

  diskPath(baseId: number, path: string): string {
    let base = this.#byIdCache.get(baseId);
    if (base === undefined) {
      const row = this.#byId.get(baseId);
      if (row === undefined) {
        throw damaged(`a file names disk path ${baseId}, which is not there`);
      }
      base = checkedBase(row);
      this.#byIdCache.set(baseId, base);
    }
    const rest = path.slice(base.cut);
    return base.diskPath + (base.separator === '/' ? rest : rest.replaceAll('/', base.separator));
  }

  removeFolder(folderId: number): void {
    this.forget();
    this.#removeFolder.run(folderId);
  }

  /** After a rollback. */
  forget(): void {
    this.#known.clear();
    this.#byIdCache.clear();
  }
}

/** The longest common end of both paths, in whole parts, and what of the disk path lies before it. */
export function splitDiskPath(
  path: string,
  diskPath: string,
): { readonly base: string; readonly cut: number; readonly separator: string } {
  const separator = !diskPath.startsWith('/') && diskPath.includes('\\') ? '\\' : '/';
  if (separator === '/' && diskPath.endsWith(`/${path}`)) {
    return { base: diskPath.slice(0, diskPath.length - path.length), cut: 0, separator };
  }
  let common = 0;
  let whole = 0;
  while (common < path.length && common < diskPath.length) {
    const ours = path[path.length - 1 - common];
    const theirs = diskPath[diskPath.length - 1 - common];
    if (ours !== theirs && !(ours === '/' && theirs === separator)) {
      break;
    }
    common += 1;
    if (ours === '/') {
      whole = common;
    }
  }
  // The whole path counts as common only where a part of the disk path begins there, too.
  if (common === path.length && diskPath[diskPath.length - 1 - common] === separator) {
    whole = common;
  }
  return { base: diskPath.slice(0, diskPath.length - whole), cut: path.length - whole, separator };
}

function baseSum(base: DiskBase): number {
  return sumOf([base.id, base.folderId, base.diskPath, base.cut, base.separator]);
}

function checkedBase(row: Record<string, unknown>): DiskBase {
  const base = {
    id: row.id,
    folderId: row.folder_id,
    diskPath: row.disk_path,
    cut: row.cut,
    separator: row.separator,
  } as DiskBase;
  if (baseSum(base) !== row.sum) {
    throw damaged('the row of a disk path does not have its checksum');
  }
  return base;
}

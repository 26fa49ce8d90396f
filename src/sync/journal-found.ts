import type { Tally } from './journal-port.ts';

/**
 * Rows kept in memory before they are written, of all folders together: what a scan finds while three blocks of small
 * files are being read and sent. What is found beyond that is written at once.
 */
const FOUND_ROWS = 24_576;

/** What of a row matters here. */
interface Row {
  readonly id: number;
  readonly folder_id: number;
  readonly dir: string;
  readonly name: string;
  readonly kind: 'file' | 'dir';
  readonly size: number;
  readonly state: string;
  readonly since_ms: number;
}

interface FolderFound<EntryRow> {
  /** In the order in which they were found. */
  readonly rows: Map<number, EntryRow>;
  readonly byDir: Map<string, Map<string, EntryRow>>;
  /** Files that nobody holds, in the order in which they are due. */
  readonly waiting: Map<number, EntryRow>;
  files: number;
  bytes: number;
  /** Directories that are to be saved: nothing was found in them. */
  readonly emptyDirs: Map<number, EntryRow>;
}

interface Step<EntryRow> {
  readonly row: EntryRow;
  readonly isAdded: boolean;
  readonly wasWaiting: boolean;
}

/**
 * Rows of files that are due at once and of directories, as a scan has just found them and nothing has happened to them
 * yet. They are in no table: a scan after a kill finds them again, and what is written first when its bytes are in an
 * acknowledged block is written once instead of twice.
 */
export class FoundRows<EntryRow extends Row> {
  readonly #maxRows: number;
  readonly #byId = new Map<number, EntryRow>();
  readonly #folders = new Map<number, FolderFound<EntryRow>>();
  /** What the transaction under way did here, for when nothing of it is to remain. */
  #steps: Array<Step<EntryRow>> = [];

  constructor(maxRows = FOUND_ROWS) {
    this.#maxRows = maxRows;
  }

  get size(): number {
    return this.#byId.size;
  }

  get hasRoom(): boolean {
    return this.#byId.size < this.#maxRows;
  }

  get(id: number): EntryRow | undefined {
    return this.#byId.get(id);
  }

  at(folderId: number, dir: string, name: string): EntryRow | undefined {
    return this.#folders.get(folderId)?.byDir.get(dir)?.get(name);
  }

  hasIn(folderId: number, dir: string): boolean {
    return this.#folders.get(folderId)?.byDir.has(dir) === true;
  }

  /** All rows, or those of one folder; directories come before what is in them. */
  rows(folderId?: number): EntryRow[] {
    const rows = folderId === undefined ? this.#byId : this.#folders.get(folderId)?.rows;
    return [...(rows?.values() ?? [])];
  }

  /** Files that nobody holds, the earliest due first. */
  waiting(folderId: number): Iterable<EntryRow> {
    return this.#folders.get(folderId)?.waiting.values() ?? [];
  }

  handOut(id: number): void {
    const row = this.#byId.get(id);
    if (row !== undefined) {
      this.#folder(row.folder_id).waiting.delete(id);
    }
  }

  takeBack(id: number): void {
    const row = this.#byId.get(id);
    if (row !== undefined) {
      this.#folder(row.folder_id).waiting.set(id, row);
    }
  }

  /** What the tables' totals do not count. */
  pendingOf(folderId: number): Tally {
    const { files, bytes } = this.#folders.get(folderId) ?? { files: 0, bytes: 0 };
    return { files, bytes };
  }

  dirsToSaveOf(folderId: number): number {
    return this.#folders.get(folderId)?.emptyDirs.size ?? 0;
  }

  /** When the first of those was found. */
  oldestToSaveMs(folderId: number): number | null {
    for (const row of this.#folders.get(folderId)?.emptyDirs.values() ?? []) {
      return row.since_ms;
    }
    return null;
  }

  add(row: EntryRow): void {
    this.#put(row, row.kind === 'file');
    this.#steps.push({ row, isAdded: true, wasWaiting: false });
  }

  /** It is written now, or gone. False where it was not here. */
  take(row: Pick<EntryRow, 'id'>): boolean {
    const known = this.#byId.get(row.id);
    if (known === undefined) {
      return false;
    }
    this.#steps.push({ row: known, isAdded: false, wasWaiting: this.#drop(known) });
    return true;
  }

  forgetFolder(folderId: number): void {
    for (const row of this.rows(folderId)) {
      this.take(row);
    }
  }

  commit(): void {
    this.#steps = [];
  }

  rollBack(): void {
    for (const { row, isAdded, wasWaiting } of this.#steps.reverse()) {
      if (isAdded) {
        this.#drop(row);
      } else {
        this.#put(row, wasWaiting);
      }
    }
    this.#steps = [];
  }

  #put(row: EntryRow, isWaiting: boolean): void {
    const folder = this.#folder(row.folder_id);
    this.#byId.set(row.id, row);
    folder.rows.set(row.id, row);
    const names = folder.byDir.get(row.dir);
    if (names === undefined) {
      folder.byDir.set(row.dir, new Map([[row.name, row]]));
    } else {
      names.set(row.name, row);
    }
    if (isWaiting) {
      folder.waiting.set(row.id, row);
    }
    if (row.kind === 'file') {
      folder.files += 1;
      folder.bytes += row.size;
    } else if (row.state === 'stored') {
      folder.emptyDirs.set(row.id, row);
    }
  }

  /** Whether it was waiting. */
  #drop(row: EntryRow): boolean {
    const folder = this.#folder(row.folder_id);
    this.#byId.delete(row.id);
    folder.rows.delete(row.id);
    const names = folder.byDir.get(row.dir);
    names?.delete(row.name);
    if (names?.size === 0) {
      folder.byDir.delete(row.dir);
    }
    if (row.kind === 'file') {
      folder.files -= 1;
      folder.bytes -= row.size;
    } else {
      folder.emptyDirs.delete(row.id);
    }
    return folder.waiting.delete(row.id);
  }

  #folder(folderId: number): FolderFound<EntryRow> {
    let folder = this.#folders.get(folderId);
    if (folder === undefined) {
      folder = {
        rows: new Map(),
        byDir: new Map(),
        waiting: new Map(),
        files: 0,
        bytes: 0,
        emptyDirs: new Map(),
      };
      this.#folders.set(folderId, folder);
    }
    return folder;
  }
}

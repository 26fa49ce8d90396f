import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { stripLocator } from '../../../src/keep/locator.ts';
import { stampOf } from '../../../src/local/sync-disk.ts';
import type { JournalCounts } from '../../../src/sync/journal-port.ts';
import { type Files, filesOf } from '../fake-collections.ts';
import type { SimDisk } from '../sim-disk.ts';

/** What a block of a folder needs before a saved manifest may name it. */
export interface Wanted {
  readonly copies: number;
  readonly storageClasses: readonly string[];
}

export interface WitnessedFolder extends Wanted {
  readonly publicId: string;
  readonly root: string;
}

/** A row of the journal that says `saved`. */
export interface SavedRow {
  readonly publicId: string;
  readonly path: string;
  readonly stamp: string;
}

export interface WitnessOptions {
  readonly disk: SimDisk;
  readonly folders: readonly WitnessedFolder[];
  readonly blockBytes: (stripped: string) => Uint8Array | undefined;
  readonly folderOfCollection: (uuid: string) => WitnessedFolder | undefined;
}

/** What a stranger writes begins so, and nothing of ours does; so it is known wherever it turns up. */
export const STRANGER = 'by a stranger: ';
/** No more blocks than this are pending at a time, whatever the input (DESIGN §5, 6). */
const PENDING_MAX = 4;
/** What a client knows, it shows within so many milliseconds. */
const SHOWN_LATE_MAX_MS = 1_000;

/**
 * Sees everything and remembers it, so that it can tell when one of the promises of DESIGN §5 is broken. It knows every
 * state that each file ever had on disk, every answer of Keep that reached a client, and every state of the collections.
 */
export class Witness {
  /** What was broken, in the order in which it was seen. */
  readonly broken: string[] = [];
  readonly #options: WitnessOptions;
  /** Every content that a path ever had on disk, by folder and path. */
  readonly #onDisk = new Map<string, Set<string>>();
  /** Content by folder, path and stamp. */
  readonly #stamped = new Map<string, string>();
  /** Every content that a path ever had in the folder's collection. */
  readonly #onServer = new Set<string>();
  /** `publicId md5+size` of blocks whose PUT for that folder came back well, or that its collection named. */
  readonly #acknowledged = new Set<string>();
  /** Strangers' contents that a client has not been told of yet, by collection. */
  readonly #unseen = new Map<string, Set<string>>();
  /** Files and pieces that the journal has as stored, with what is on disk now: not to be sent again. */
  readonly #stored = new Set<string>();
  /** By folder: how many files the client knows not to be saved, and since when there are any. */
  readonly #unsaved = new Map<string, { readonly files: number; readonly sinceMs: number | undefined }>();
  /** Saved totals that the journal gave, by folder: what is shown must be one of them. */
  readonly #savedShown = new Set<string>();
  readonly #truthful = new Set<string>();
  #present = new Set<string>();
  /** Signatures may have run out: stored files may have to be sent again. */
  signaturesGone = false;
  writesByStranger = false;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Notes what is on the disk now; to be called whenever something was done to it. */
  look(): void {
    const { disk, folders } = this.#options;
    this.#present = new Set();
    for (const { publicId, root } of folders) {
      if (!disk.exists(root)) {
        continue;
      }
      for (const diskPath of disk.filesBelow(root)) {
        const stat = disk.peek(diskPath);
        if (stat === undefined) {
          continue;
        }
        const path = `${publicId}\n${diskPath.slice(root.length + 1)}`;
        const stamped = `${path}\n${stampOf(stat)}`;
        this.#present.add(stamped);
        if (!this.#stamped.has(stamped)) {
          const content = textOf(disk.bytesOf(diskPath));
          this.#stamped.set(stamped, content);
          const contents = this.#onDisk.get(path) ?? new Set();
          this.#onDisk.set(path, contents.add(content));
        }
      }
    }
    for (const stored of this.#stored) {
      if (!this.#present.has(stored.slice(0, stored.lastIndexOf('\n')))) {
        this.#stored.delete(stored);
      }
    }
  }

  /** Keep's answer, with every copy and class, reached the client. */
  acknowledged(locator: string, got: Wanted): void {
    for (const { publicId, copies, storageClasses } of this.#options.folders) {
      if (got.copies >= copies && storageClasses.every((name) => got.storageClasses.includes(name))) {
        this.#acknowledged.add(`${publicId} ${stripLocator(locator)}`);
      }
    }
  }

  /** A client was told what the collection holds. */
  toldOf(uuid: string, manifest: string): void {
    const folder = this.#options.folderOfCollection(uuid);
    if (folder !== undefined) {
      for (const ranges of filesOf(manifest).values()) {
        for (const { locator } of ranges) {
          this.#acknowledged.add(`${folder.publicId} ${stripLocator(locator)}`);
        }
      }
    }
  }

  /** A client was told which state the collection is in: from now on it has to keep what strangers wrote. */
  looked(uuid: string): void {
    this.#unseen.delete(uuid);
  }

  /** A client asks for this to be saved. */
  offered(uuid: string, manifest: string): void {
    const folder = this.#options.folderOfCollection(uuid);
    for (const [path, ranges] of filesOf(manifest)) {
      for (const { locator } of ranges) {
        const key = stripLocator(locator);
        if (!key.endsWith('+0') && !this.#acknowledged.has(`${folder?.publicId ?? ''} ${key}`)) {
          this.#break(1, `a manifest names block ${key} for ${path}, which Keep never confirmed as wanted`);
        }
      }
    }
  }

  /**
   * The collection changed. `isLate`: by a whole manifest that a killed client had sent, which only a cluster without
   * `replace_files` is sent: nobody can keep that from replacing what strangers wrote since.
   */
  changed(
    uuid: string,
    before: Files,
    after: Files,
    how: { readonly byStranger: boolean; readonly isLate: boolean },
  ): void {
    const isStranger = how.byStranger;
    const folder = this.#options.folderOfCollection(uuid);
    if (folder === undefined) {
      return;
    }
    const lost = new Set<string>();
    for (const [path, ranges] of before) {
      if (after.get(path) !== ranges) {
        lost.add(this.#read(ranges));
      }
    }
    for (const [path, ranges] of after) {
      if (path.endsWith('/')) {
        continue;
      }
      const content = this.#read(ranges);
      lost.delete(content);
      if (before.get(path) === ranges) {
        continue;
      }
      this.#onServer.add(`${folder.publicId}\n${path}\n${content}`);
      if (isStranger) {
        const unseen = this.#unseen.get(uuid) ?? new Set();
        this.#unseen.set(uuid, unseen.add(content));
      } else if (!content.startsWith(STRANGER) && !path.includes('~conflict~')) {
        this.#checkSaved(folder.publicId, path, content);
      }
    }
    for (const content of lost) {
      if (
        !isStranger &&
        !how.isLate &&
        content.startsWith(STRANGER) &&
        this.#unseen.get(uuid)?.has(content) !== true
      ) {
        this.#break(0, `what a stranger wrote is nowhere in the collection any more: ${content}`);
      }
    }
  }

  #checkSaved(publicId: string, path: string, content: string): void {
    if (this.#onDisk.get(`${publicId}\n${path}`)?.has(content) !== true) {
      this.#break(2, `${publicId}: ${path} was saved with what the file never held: ${brief(content)}`);
    }
  }

  /** All that a client knew is gone. */
  forgotten(): void {
    this.#stored.clear();
    this.#unsaved.clear();
  }

  /** The journal keeps this file, or this piece of a file, as stored. */
  stored(publicId: string, path: string, stamp: string, piece: number | 'whole', wasSent: boolean): void {
    const file = `${publicId}\n${path}\n${stamp}`;
    const key = `${file}\n${piece}`;
    if (wasSent && this.#stored.has(key) && !this.signaturesGone && !this.writesByStranger) {
      this.#break(
        3,
        `${publicId}: ${path} (${piece}) was sent again, though it was acknowledged and recorded`,
      );
    }
    if (this.#present.has(file)) {
      this.#stored.add(key);
    }
  }

  /** The client was given these numbers. */
  counted(atMs: number, publicId: string, counts: JournalCounts): void {
    const { pending, stored, failed, gone, deleted } = counts;
    const unsaved = [pending, stored, failed, gone, deleted].reduce((sum, { files }) => sum + files, 0);
    const before = this.#unsaved.get(publicId);
    this.#unsaved.set(publicId, {
      files: unsaved,
      sinceMs: unsaved === 0 ? undefined : (before?.sinceMs ?? atMs),
    });
    this.#savedShown.add(`${publicId} ${counts.saved.files} ${counts.saved.bytes}`);
  }

  shown(atMs: number, snapshot: StatusSnapshot): void {
    if (snapshot.pendingBlocks > PENDING_MAX) {
      this.#break(6, `${snapshot.pendingBlocks} blocks are pending`);
    }
    for (const folder of snapshot.folders) {
      const { files, bytes } = folder.bar.saved;
      if (files > 0 && !this.#savedShown.has(`${folder.id} ${files} ${bytes}`)) {
        this.#break(5, `${folder.id}: ${files} files and ${bytes} bytes are shown as saved and never were`);
      }
      const unsaved = this.#unsaved.get(folder.id);
      if (folder.tray === 'ready' && atMs - (unsaved?.sinceMs ?? atMs) > SHOWN_LATE_MAX_MS) {
        this.#break(5, `${folder.id} is shown as ready while ${unsaved?.files} files are not saved`);
      }
    }
  }

  /** The journal says that these are saved. */
  claimed(rows: Iterable<SavedRow>): void {
    for (const { publicId, path, stamp } of rows) {
      const key = `${publicId}\n${path}\n${stamp}`;
      if (this.#truthful.has(key)) {
        continue;
      }
      const content = this.#stamped.get(key);
      if (content === undefined || !this.#onServer.has(`${publicId}\n${path}\n${content}`)) {
        this.#break(5, `${publicId}: ${path} counts as saved, and the collection never held it`);
      }
      this.#truthful.add(key);
    }
  }

  #break(promise: number, what: string): void {
    const text = promise === 0 ? what : `promise ${promise}: ${what}`;
    if (!this.broken.includes(text)) {
      this.broken.push(text);
    }
  }

  #read(ranges: Files extends Map<string, infer R> ? R : never): string {
    return ranges
      .map(({ locator, offset, length }) => {
        const block = this.#options.blockBytes(stripLocator(locator));
        if (block === undefined && length > 0) {
          this.#break(1, `a collection names block ${stripLocator(locator)}, which is not there`);
        }
        return block === undefined ? '' : textOf(block.subarray(offset, offset + length));
      })
      .join('');
  }
}

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const brief = (content: string) =>
  content.length > 60 ? `${content.slice(0, 60)}… (${content.length})` : content;

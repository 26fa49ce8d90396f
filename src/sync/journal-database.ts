import { KeepsyncError } from '../base/errors.ts';
import { AdoptionPlans } from './journal-adoption.ts';
import { ChangeBatch, requireFolder } from './journal-changes.ts';
import { verifyJournal } from './journal-check.ts';
import { dropEntry } from './journal-moves.ts';
import type { Journal } from './journal-port.ts';
import { JournalQueries } from './journal-queries.ts';
import { SaveLog } from './journal-saves.ts';
import { expireAll, refreshFromManifest } from './journal-signatures.ts';
import type { JournalStore } from './journal-store.ts';
import { UploadQueue } from './journal-uploads.ts';

/** A journal, and what opening it found. */
export interface OpenJournal extends Journal {
  /** Where a damaged journal was moved, to make place for this (empty) one; null where there was none. */
  readonly movedAside: string | null;
  /** Reads everything and compares all checksums and totals; throws JOURNAL. Takes seconds per million rows. */
  verify(): Promise<void>;
}

type Call<K extends keyof Journal> = Journal[K];

/**
 * The journal over one SQLite connection. Every call runs to its end without giving way, so calls never mix; in the app
 * it lives in a thread of its own. Times are kept in whole milliseconds.
 */
export class JournalDatabase implements OpenJournal {
  readonly movedAside: string | null;
  readonly #store: JournalStore;
  readonly #queue: UploadQueue;
  readonly #saves: SaveLog;
  readonly #queries: JournalQueries;
  readonly #adoptions: AdoptionPlans;
  #isClosed = false;

  constructor(store: JournalStore, movedAside: string | null) {
    this.movedAside = movedAside;
    this.#store = store;
    this.#queue = new UploadQueue(store);
    this.#saves = new SaveLog(store);
    this.#queries = new JournalQueries(store);
    this.#adoptions = new AdoptionPlans(store);
  }

  openFolder: Call<'openFolder'> = async (publicId) =>
    this.#writeAside(() => this.#store.folders.open(publicId));

  updateFolder: Call<'updateFolder'> = async (folderId, change) =>
    this.#writeAside(() => this.#store.folders.update(folderId, change));

  removeFolder: Call<'removeFolder'> = async (folderId) =>
    this.#write(() => {
      this.#saves.forgetFolder(folderId);
      this.#adoptions.forgetFolder(folderId);
      this.#store.removeFolder(folderId);
    });

  recordChanges: Call<'recordChanges'> = async (folderId, changes, options) =>
    this.#write(() => {
      requireFolder(this.#store, folderId);
      const batch = new ChangeBatch(this.#store, folderId, options);
      batch.apply(changes);
      return { pending: batch.pending, taken: batch.taken, gone: batch.gone };
    });

  writeFound: Call<'writeFound'> = async (folderId) => {
    if (this.#store.entries.found.size > 0) {
      this.#writeWritten(folderId, () => undefined);
    }
  };

  writeSaved: Call<'writeSaved'> = async () => this.#read(() => undefined);

  guardFigures: Call<'guardFigures'> = async (folderId) =>
    this.#readWritten(folderId, () => this.#queries.guardFigures(folderId));

  confirmDeletes: Call<'confirmDeletes'> = async (folderId, deletes, who) =>
    this.#write(() => {
      let count = 0;
      for (const row of this.#store.entries.inState(folderId, 'gone')) {
        this.#store.entries.writeFound(folderId);
        if (who === 'guard' && row.kind === 'file' && this.#store.entries.hasPending(folderId, row.size)) {
          continue;
        }
        if (deletes === 'keep') {
          dropEntry(this.#store, row);
        } else {
          this.#store.entries.update(row, { state: 'deleted' });
        }
        count += row.kind === 'file' ? 1 : 0;
      }
      return count;
    });

  claimPending: Call<'claimPending'> = async (folderId, nowMs, limits) =>
    this.#readAside(() => this.#queue.claim(folderId, Math.floor(nowMs), limits));

  releaseFiles: Call<'releaseFiles'> = async (entryIds) =>
    this.#readAside(() => this.#queue.release(entryIds));

  nextDueAtMs: Call<'nextDueAtMs'> = async (folderId) =>
    this.#readAside(() => this.#queue.nextDueAtMs(folderId));

  recordPackedBlock: Call<'recordPackedBlock'> = async (folderId, block, files, nowMs) => {
    this.#write(() => {
      requireFolder(this.#store, folderId);
      this.#queue.recordPackedBlock(folderId, block, files, Math.floor(nowMs));
    });
    this.#queue.release(files.map((file) => file.entryId));
  };

  recordPieceBlock: Call<'recordPieceBlock'> = async (folderId, block, piece, nowMs) =>
    this.#write(() => {
      requireFolder(this.#store, folderId);
      this.#queue.recordPieceBlock(folderId, block, piece, Math.floor(nowMs));
    });

  piecesOf: Call<'piecesOf'> = async (entryId, stamp, validUntilMs) =>
    this.#read(() => this.#queue.piecesOf(entryId, stamp, validUntilMs));

  recordLargeFile: Call<'recordLargeFile'> = async (entryId, stamp, nowMs) => {
    const isWhole = this.#write(() => this.#queue.recordLargeFile(entryId, stamp, Math.floor(nowMs)));
    this.#queue.release([entryId]);
    return isWhole;
  };

  recordKnownFiles: Call<'recordKnownFiles'> = async (folderId, files, nowMs) => {
    this.#write(() => this.#queue.recordKnownFiles(folderId, files, Math.floor(nowMs)));
    this.#queue.release(files.map((file) => file.entryId));
  };

  recordFailures: Call<'recordFailures'> = async (failures, nowMs) => {
    this.#write(() => this.#queue.recordFailures(failures, Math.floor(nowMs)));
    this.#queue.release(failures.map((failure) => failure.entryId));
  };

  retry: Call<'retry'> = async (folderId, { code, nowMs }) =>
    this.#write(() => this.#queue.retry(folderId, code, Math.floor(nowMs)));

  knownBlock: Call<'knownBlock'> = async (md5AndSize, validUntilMs, folderId) =>
    this.#readAside(() => {
      const { blocks } = this.#store;
      const block =
        folderId === undefined ? blocks.findAnywhere(md5AndSize) : blocks.find(folderId, md5AndSize);
      return block !== undefined && block.expires_ms >= validUntilMs ? block.locator : undefined;
    });

  refreshSignatures: Call<'refreshSignatures'> = async (folderId, signedManifest) =>
    this.#write(() => {
      requireFolder(this.#store, folderId);
      return refreshFromManifest(this.#store, folderId, signedManifest);
    });

  expireSignatures: Call<'expireSignatures'> = async () => this.#write(() => expireAll(this.#store));

  counts: Call<'counts'> = async (folderId) => this.#readAside(() => this.#queries.counts(folderId));

  needsRemote: Call<'needsRemote'> = async (folderId) =>
    this.#readAside(() => this.#store.folders.get(folderId).remotePdh === null);

  buildSave: Call<'buildSave'> = async (request) =>
    this.#writeWritten(request.folderId, () =>
      this.#saves.build({ ...request, nowMs: Math.floor(request.nowMs) }),
    );

  finishSave: Call<'finishSave'> = async (saveId, result) => {
    if (!result.collided && this.#saves.isWhole(saveId)) {
      this.#writeAside(() => this.#saves.finish(saveId, result));
      return;
    }
    this.#write(() => {
      this.#store.entries.writeFound();
      this.#saves.finish(saveId, result);
    });
  };

  abandonSave: Call<'abandonSave'> = async (saveId) => this.#readAside(() => this.#saves.abandon(saveId));

  compareRemote: Call<'compareRemote'> = async (folderId, remoteManifest) =>
    this.#writeWritten(folderId, () => {
      requireFolder(this.#store, folderId);
      return this.#saves.compare(folderId, remoteManifest);
    });

  mayAdopt: Call<'mayAdopt'> = async (folderId) =>
    this.#readAside(() => this.#store.foreign.hasContents(folderId));

  beginAdoption: Call<'beginAdoption'> = async (folderId, nowMs) =>
    this.#writeWritten(folderId, () => {
      requireFolder(this.#store, folderId);
      return this.#adoptions.begin(folderId, Math.floor(nowMs));
    });

  nextAdoptable: Call<'nextAdoptable'> = async (folderId, nowMs) =>
    this.#writeWritten(folderId, () => this.#adoptions.next(folderId, Math.floor(nowMs)));

  recordAdoption: Call<'recordAdoption'> = async (folderId, verdicts, nowMs) =>
    this.#writeWritten(folderId, () => {
      requireFolder(this.#store, folderId);
      return this.#adoptions.record(folderId, verdicts, Math.floor(nowMs));
    });

  listFiles: Call<'listFiles'> = async (folderId, query) => {
    const isOfTrouble =
      query.states.length > 0 && query.states.every((state) => state === 'failed' || state === 'held');
    const list = () => this.#queries.listFiles(folderId, query);
    return isOfTrouble ? this.#readAside(list) : this.#readWritten(folderId, list);
  };

  listBlocks: Call<'listBlocks'> = async (folderId, query) =>
    this.#read(() => this.#queries.listBlocks(folderId, query));

  listSaves: Call<'listSaves'> = async (folderId, query) =>
    this.#readAside(() => this.#queries.listSaves(folderId, query));

  listProblems: Call<'listProblems'> = async (folderId) =>
    this.#readAside(() => this.#queries.listProblems(folderId));

  verify = async (): Promise<void> => this.#readAside(() => verifyJournal(this.#store));

  /** Calls after this reject with CLOSED. */
  close: Call<'close'> = async () => {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#store.close();
    }
  };

  #write<T>(work: () => T): T {
    return this.#writeAside(() => {
      this.#saves.writeWhole();
      return work();
    });
  }

  /** For what neither changes nor looks at rows that are stored or saved: see `WholeSaves`. */
  #writeAside<T>(work: () => T): T {
    this.#assertOpen();
    return this.#store.write(work);
  }

  /** For what changes the folder's rows, and finds them past what is kept of them in memory. */
  #writeWritten<T>(folderId: number, work: () => T): T {
    return this.#write(() => {
      this.#store.entries.writeFound(folderId);
      return work();
    });
  }

  /** For what reads the folder's rows past what is kept of them in memory. */
  #readWritten<T>(folderId: number, work: () => T): T {
    if (this.#store.entries.found.size > 0) {
      this.#write(() => this.#store.entries.writeFound(folderId));
    }
    return this.#read(work);
  }

  #read<T>(work: () => T): T {
    if (this.#readAside(() => this.#store.wholeSaves.size > 0)) {
      this.#write(() => undefined);
    }
    return this.#readAside(work);
  }

  /** For what does not look at rows that are stored or saved. */
  #readAside<T>(work: () => T): T {
    this.#assertOpen();
    return this.#store.read(work);
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new KeepsyncError('CLOSED', 'The journal is closed');
    }
  }
}

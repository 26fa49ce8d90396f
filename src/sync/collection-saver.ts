import type { CollectionRecord, CollectionStore } from '../api/ports.ts';
import type { Clock } from '../base/clock.ts';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import type { BuiltSave, Journal, JournalFolder } from './journal-port.ts';

/** What the saver is told about the pair it saves. */
export interface SaveTarget {
  readonly folderId: number;
  readonly publicId: string;
  /** Random id of ours by which a collection that we made is found again. */
  readonly createId: string;
  readonly collectionName: string;
  readonly projectUuid: string | null;
  readonly replication: number | null;
  readonly storageClasses: readonly string[];
  readonly conflicts: 'keep-beside' | 'overwrite';
  /**
   * Set while a lost journal is rebuilt: the collection's hash after our last save. While it has that hash nobody else
   * wrote, so what lies at our paths is ours, only in other blocks, and needs no second copy beside it.
   */
  readonly rebuiltFrom: string | null;
}

export interface SaveOutcome {
  readonly folder: JournalFolder;
  readonly files: number;
  readonly bytes: number;
  readonly deleted: number;
  /** Both versions were kept. */
  readonly conflicts: ReadonlyArray<{ readonly path: string; readonly beside: string }>;
  /** Files that must be uploaded again, because a signature had run out or the collection had lost them. */
  readonly again: number;
  /** Somebody else's save fell between our last look and ours; its state is kept as a version. */
  readonly collided: boolean;
}

export interface SaverPorts {
  readonly journal: Journal;
  readonly store: CollectionStore;
  readonly clock: Clock;
  /** A block is used only if its signature is valid for so much longer. */
  readonly signatureMarginMs: number;
  /** Manifest bytes in one request; the server's own limit is 128 MiB for the whole request. */
  readonly requestBytesMax: number;
}

/** A first save of more files is not tried in one piece: it would be built in vain where it takes more than one request. */
const NEW_COLLECTION_FILES_MAX = 100_000;

/** PDH of a collection without files: md5 of nothing, no bytes. */
const EMPTY_PDH = 'd41d8cd98f00b204e9800998ecf8427e+0';

/**
 * Brings a folder's stored files into its collection. Only what changed is sent (`replace_files`), so two writers do not
 * overwrite each other's files. Just before, the collection is looked at; a path that somebody else changed is kept
 * beside ours. There is no If-Match in Arvados: between that look and our write a window of some milliseconds remains, in
 * which another writer's change of the very same path would be replaced (its state stays as a version, and the outcome
 * says `collided`).
 */
export class CollectionSaver {
  readonly #ports: SaverPorts;

  constructor(ports: SaverPorts) {
    this.#ports = ports;
  }

  /** The pair's collection, made if there is none yet. A lost answer never makes a second one. */
  async ensureCollection(
    target: SaveTarget,
    folder: JournalFolder,
    signal?: AbortSignal,
  ): Promise<JournalFolder> {
    if (folder.collectionUuid !== null) {
      return folder;
    }
    const made = await this.#create(target, '', signal);
    // Found again after a lost answer, it may hold what somebody else put there meanwhile: that has to be looked at.
    const isEmpty = made.portableDataHash === EMPTY_PDH;
    return this.#ports.journal.updateFolder(folder.id, {
      collectionUuid: made.uuid,
      remotePdh: isEmpty ? made.portableDataHash : null,
      remoteVersion: isEmpty ? made.version : null,
    });
  }

  #create(
    target: SaveTarget,
    manifestText: string,
    signal: AbortSignal | undefined,
  ): Promise<CollectionRecord> {
    return this.#ports.store.create(
      {
        name: target.collectionName,
        ...(target.projectUuid === null ? {} : { ownerUuid: target.projectUuid }),
        ensureUniqueName: true,
        manifestText,
        properties: {},
        ...(target.replication === null ? {} : { replicationDesired: target.replication }),
        ...(target.storageClasses.length === 0 ? {} : { storageClassesDesired: target.storageClasses }),
        createId: target.createId,
      },
      signal,
    );
  }

  /** One save after the other until nothing is left; undefined where there was nothing to save. */
  async save(target: SaveTarget, signal?: AbortSignal): Promise<SaveOutcome | undefined> {
    const { journal } = this.#ports;
    let folder = await journal.openFolder(target.publicId);
    if (folder.collectionUuid === null) {
      const first = await this.#saveAsNew(target, folder, signal);
      if (first !== undefined) {
        return first;
      }
      // It may have found the collection that an earlier one made.
      folder = await this.ensureCollection(target, await journal.openFolder(target.publicId), signal);
    }
    let total: SaveOutcome | undefined;
    let { rebuiltFrom } = target;
    for (let more = true; more; ) {
      const step = await this.#saveOnce({ ...target, rebuiltFrom }, folder, signal);
      if (step === undefined) {
        break;
      }
      folder = step.outcome.folder;
      rebuiltFrom = rebuiltFrom === null ? null : folder.remotePdh;
      more = step.more;
      total = total === undefined ? step.outcome : addOutcomes(total, step.outcome);
    }
    return total;
  }

  /**
   * Looks whether somebody else changed the collection; what of ours it lost is stored or uploaded again. Returns how
   * many files that are.
   */
  async checkRemote(folder: JournalFolder, signal?: AbortSignal): Promise<number> {
    if (folder.collectionUuid === null) {
      return 0;
    }
    const seen = await this.#ports.store.get(folder.collectionUuid, signal);
    if (seen.portableDataHash === folder.remotePdh) {
      return 0;
    }
    const whole = await this.#ports.store.getWithManifest(folder.collectionUuid, signal);
    const drift = await this.#ports.journal.compareRemote(folder.id, whole.manifestText);
    await this.#ports.journal.refreshSignatures(folder.id, whole.manifestText);
    await this.#ports.journal.updateFolder(folder.id, {
      remotePdh: whole.portableDataHash,
      remoteVersion: whole.version,
    });
    return drift.lost;
  }

  /**
   * Makes the collection of all that is stored, with one request. Undefined where that cannot be, or where the collection is
   * there already, after an answer that was lost: then it has to be looked at.
   */
  async #saveAsNew(
    target: SaveTarget,
    folder: JournalFolder,
    signal: AbortSignal | undefined,
  ): Promise<SaveOutcome | undefined> {
    const { journal, clock, signatureMarginMs, requestBytesMax } = this.#ports;
    const { stored } = await journal.counts(folder.id);
    if (stored.files === 0 || stored.files > NEW_COLLECTION_FILES_MAX) {
      return undefined;
    }
    const built = await journal.buildSave({
      folderId: folder.id,
      nowMs: clock.nowMs(),
      signatureValidUntilMs: clock.nowMs() + signatureMarginMs,
      remoteUnchanged: false,
      limitBytes: requestBytesMax,
      conflicts: target.conflicts,
      isNew: true,
    });
    if (built === undefined) {
      return undefined;
    }
    let made: CollectionRecord;
    try {
      made = await this.#create(target, built.manifestText, signal);
    } catch (thrown) {
      await journal.abandonSave(built.saveId);
      throw thrown;
    }
    await journal.updateFolder(folder.id, { collectionUuid: made.uuid });
    if (made.portableDataHash !== built.portableDataHash) {
      await journal.abandonSave(built.saveId);
      return undefined;
    }
    const nowMs = clock.nowMs();
    await journal.finishSave(built.saveId, {
      atMs: nowMs,
      portableDataHash: made.portableDataHash,
      version: made.version,
      collided: false,
    });
    return outcomeOf(built, await journal.openFolder(target.publicId));
  }

  async #saveOnce(
    target: SaveTarget,
    folder: JournalFolder,
    signal: AbortSignal | undefined,
  ): Promise<{ outcome: SaveOutcome; more: boolean } | undefined> {
    const { journal, store, clock } = this.#ports;
    const uuid = folder.collectionUuid;
    if (uuid === null) {
      throw new KeepsyncError('INTERNAL', 'A folder without a collection cannot be saved');
    }
    let seen: CollectionRecord = await store.get(uuid, signal);
    const remoteUnchanged = seen.portableDataHash === folder.remotePdh;
    const oursAlone = target.rebuiltFrom === seen.portableDataHash;
    let remoteManifest: string | undefined;
    let lost = 0;
    if (!remoteUnchanged || (await journal.needsRemote(folder.id))) {
      const whole = await store.getWithManifest(uuid, signal);
      seen = whole;
      remoteManifest = whole.manifestText;
      if (!remoteUnchanged) {
        lost = (await journal.compareRemote(folder.id, remoteManifest)).lost;
      }
      await journal.refreshSignatures(folder.id, remoteManifest);
    }
    const built = await journal.buildSave({
      folderId: folder.id,
      nowMs: clock.nowMs(),
      signatureValidUntilMs: clock.nowMs() + this.#ports.signatureMarginMs,
      remoteUnchanged: seen.portableDataHash === folder.remotePdh,
      limitBytes: this.#ports.requestBytesMax,
      ...(remoteManifest === undefined ? {} : { remoteManifest }),
      conflicts: oursAlone ? 'overwrite' : target.conflicts,
    });
    if (built === undefined) {
      const known = await journal.updateFolder(folder.id, {
        remotePdh: seen.portableDataHash,
        remoteVersion: seen.version,
      });
      return lost === 0 ? undefined : { outcome: { ...nothing(known), again: lost }, more: false };
    }
    let saved: CollectionRecord = seen;
    try {
      if (Object.keys(built.replaceFiles).length > 0) {
        saved = await store.replaceFiles(
          uuid,
          {
            replaceFiles: built.replaceFiles,
            basedOn: seen.portableDataHash,
            ...(built.manifestText === '' ? {} : { manifestText: built.manifestText }),
            ...(built.conflicts.length === 0 && !oursAlone ? {} : { preserveVersion: true }),
          },
          signal,
        );
      }
    } catch (thrown) {
      await journal.abandonSave(built.saveId);
      if (remoteManifest === undefined && asKeepsyncError(thrown).code === 'REFUSED') {
        // The collection is not what it was taken for, as where it keeps a file of ours whose name a folder has by now.
        // Once it was looked at as a whole, what is in the way is moved beside.
        const unsure = await journal.updateFolder(folder.id, { remotePdh: null });
        return await this.#saveOnce(target, unsure, signal);
      }
      throw thrown;
    }
    let collided = true;
    let doubt: unknown;
    try {
      collided = await this.#collided(uuid, seen, saved, signal);
    } catch (thrown) {
      // Nobody knows what was there before: as after a collision, the next look compares everything.
      doubt = thrown;
    }
    const nowMs = clock.nowMs();
    // In one step with what it says of the rows: a kill must not leave somebody else's change unseen.
    await journal.finishSave(built.saveId, {
      atMs: nowMs,
      portableDataHash: saved.portableDataHash,
      version: saved.version,
      collided,
    });
    if (doubt !== undefined) {
      throw doubt;
    }
    const after = await journal.updateFolder(folder.id, { lastSaveAtMs: nowMs });
    return {
      outcome: { ...outcomeOf(built, after), again: built.resetFiles + lost, collided },
      more: built.more,
    };
  }

  /** Our save made a version of what was there before it: that must be what we had looked at. */
  async #collided(
    uuid: string,
    seen: CollectionRecord,
    saved: CollectionRecord,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (saved.version <= seen.version) {
      return false;
    }
    if (saved.version > seen.version + 1) {
      return true;
    }
    const before = await this.#ports.store.previousVersionPdh(uuid, signal);
    return before !== undefined && before !== seen.portableDataHash;
  }
}

const outcomeOf = (built: BuiltSave, folder: JournalFolder): SaveOutcome => ({
  folder,
  files: built.files,
  bytes: built.bytes,
  deleted: built.deleted,
  conflicts: built.conflicts,
  again: built.resetFiles,
  collided: false,
});

const nothing = (folder: JournalFolder): SaveOutcome => ({
  folder,
  files: 0,
  bytes: 0,
  deleted: 0,
  conflicts: [],
  again: 0,
  collided: false,
});

function addOutcomes(first: SaveOutcome, second: SaveOutcome): SaveOutcome {
  return {
    folder: second.folder,
    files: first.files + second.files,
    bytes: first.bytes + second.bytes,
    deleted: first.deleted + second.deleted,
    conflicts: [...first.conflicts, ...second.conflicts],
    again: first.again + second.again,
    collided: first.collided || second.collided,
  };
}

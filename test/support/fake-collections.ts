import type {
  CollectionRecord,
  CollectionStore,
  CollectionWithManifest,
  CreateCollection,
  ReplaceFiles,
} from '../../src/api/ports.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { scanManifest } from '../../src/collection/manifest-scan.ts';
import { portableDataHash, stripManifest } from '../../src/collection/manifest-text.ts';
import { type ManifestEntry, manifestChunks } from '../../src/collection/manifest-writer.ts';
import type { BlockRange } from '../../src/collection/segments.ts';
import { streamRanges } from '../../src/collection/stream-ranges.ts';
import { stripLocator } from '../../src/keep/locator.ts';

/** A file's pieces by path; a path that ends in '/' is an empty folder. */
export type Files = Map<string, readonly BlockRange[]>;

interface Stored {
  record: CollectionRecord;
  files: Files;
  /** Portable data hashes of earlier states, oldest first. */
  versions: string[];
}

export interface FakeCollectionsOptions {
  readonly nowMs: () => number;
  /** Signs a stripped locator for a reader. */
  readonly sign: (locator: string) => string;
  /** Whether the signature of a locator in a manifest to be saved holds; unsigned ones never do. */
  readonly signatureHolds: (locator: string) => boolean;
  readonly blockExists: (stripped: string) => boolean;
  readonly replaceFiles?: boolean;
  /** Told of every change, by request or by `edit`, right after it took effect. */
  readonly onChange?: (uuid: string, before: Files, after: Files) => void;
}

const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';

export function filesOf(manifest: string): Files {
  const files: Files = new Map();
  scanManifest(manifest, {
    stream: () => undefined,
    file: (stream, name, position, sizeBytes) => {
      const path = stream.path === '' ? name : `${stream.path}/${name}`;
      files.set(path, [...(files.get(path) ?? []), ...streamRanges(stream, [{ position, sizeBytes }])]);
    },
    emptyDir: (_stream, path) => files.set(`${path}/`, []),
  });
  return files;
}

function* entriesOf(files: Files): Generator<ManifestEntry> {
  for (const path of [...files.keys()].sort()) {
    if (path.endsWith('/')) {
      yield { path: path.slice(0, -1), emptyDir: true };
    } else {
      yield { path, segments: files.get(path) ?? [] };
    }
  }
}

/** What lies at or below `path`, with paths relative to it ('' for the file itself). */
function below(files: Files, path: string): Array<[string, readonly BlockRange[]]> {
  if (path === '') {
    return [...files];
  }
  return [...files].flatMap(([name, ranges]) => {
    if (name === path || name === `${path}/`) {
      return [[name.slice(path.length), ranges] as [string, readonly BlockRange[]]];
    }
    return name.startsWith(`${path}/`)
      ? [[name.slice(path.length), ranges] as [string, readonly BlockRange[]]]
      : [];
  });
}

/** An Arvados that never was, as far as saving goes: collections in memory, with replace_files, versions and the trash. */
export class FakeCollections implements CollectionStore {
  readonly collections = new Map<string, Stored>();
  /** Every request, in order. */
  readonly calls: string[] = [];
  /** Thrown by the next requests, oldest first; `after` makes the request take effect all the same. */
  readonly failures: Array<{
    readonly method: string;
    readonly error: KeepsyncError;
    readonly after?: boolean;
  }> = [];
  /** Runs once, right before the next change is applied: another writer. */
  beforeNextChange: (() => void) | undefined;
  readonly #options: FakeCollectionsOptions;
  #made = 0;

  constructor(options: FakeCollectionsOptions) {
    this.#options = options;
  }

  async get(uuid: string): Promise<CollectionRecord> {
    return this.#request('get', () => this.#stored(uuid).record);
  }

  async getWithManifest(uuid: string): Promise<CollectionWithManifest> {
    return this.#request('getWithManifest', () => {
      const stored = this.#stored(uuid);
      return { ...stored.record, manifestText: this.#text(stored.files, true) };
    });
  }

  async create(wanted: CreateCollection): Promise<CollectionRecord> {
    const there = [...this.collections.values()].find(
      (one) => one.record.properties.createId === wanted.createId,
    );
    if (there) {
      return there.record;
    }
    return this.#request('create', () => {
      const files = filesOf(this.#checked(wanted.manifestText));
      this.#made += 1;
      const uuid = `zzzzz-4zz18-${String(this.#made).padStart(15, '0')}`;
      const record: CollectionRecord = {
        uuid,
        ownerUuid: wanted.ownerUuid ?? 'zzzzz-tpzed-000000000000000',
        name: wanted.name,
        portableDataHash: EMPTY,
        version: 1,
        modifiedAt: new Date(this.#options.nowMs()).toISOString(),
        createdAt: new Date(this.#options.nowMs()).toISOString(),
        isTrashed: false,
        properties: { ...wanted.properties, createId: wanted.createId },
        replicationDesired: wanted.replicationDesired ?? null,
        storageClassesDesired: wanted.storageClassesDesired ?? ['default'],
        fileCount: 0,
        fileSizeTotal: 0,
      };
      this.collections.set(uuid, { record, files: new Map(), versions: [] });
      return this.#change(uuid, files);
    });
  }

  async replaceFiles(uuid: string, change: ReplaceFiles): Promise<CollectionRecord> {
    return this.#request('replaceFiles', () => {
      this.beforeNextChange?.();
      this.beforeNextChange = undefined;
      const before = this.#stored(uuid).files;
      const offered = filesOf(this.#checked(change.manifestText ?? ''));
      const targets = Object.keys(change.replaceFiles);
      for (const target of targets) {
        const inside = targets.find(
          (other) =>
            other !== target &&
            change.replaceFiles[other] !== '' &&
            target.startsWith(other === '/' ? '/' : `${other}/`),
        );
        if (inside !== undefined) {
          throw new KeepsyncError('REFUSED', `400: target ${target} lies inside ${inside}`);
        }
      }
      const after: Files = new Map(before);
      for (const [target, source] of Object.entries(change.replaceFiles)) {
        const path = target.slice(1);
        const parent = path.slice(0, path.lastIndexOf('/'));
        for (const [relative] of below(after, path)) {
          after.delete(path + relative);
        }
        if (source === '') {
          // As on the server, the folder that held the file is still there.
          if (
            path.includes('/') &&
            below(after, parent).length === 0 &&
            !(`/${parent}` in change.replaceFiles)
          ) {
            after.set(`${parent}/`, []);
          }
          continue;
        }
        const slash = source.indexOf('/');
        const from = source.slice(0, slash);
        const origin = from === 'current' ? before : offered;
        const found = below(origin, source.slice(slash + 1));
        if (from !== 'current' && from !== 'manifest_text') {
          throw new KeepsyncError('REFUSED', `400: the fake knows no source ${source}`);
        }
        if (found.length === 0 && path !== '') {
          throw new KeepsyncError('NOT_FOUND', `404: source ${source} does not exist`);
        }
        for (const [relative, ranges] of found) {
          after.set(path === '' ? relative : path + relative, ranges);
        }
      }
      for (const name of [...after.keys()]) {
        for (let cut = name.indexOf('/'); cut >= 0; cut = name.indexOf('/', cut + 1)) {
          const folder = name.slice(0, cut);
          if (after.has(folder)) {
            throw new KeepsyncError('REFUSED', `422: ${folder} is a file and a folder`);
          }
          if (cut < name.length - 1) {
            after.delete(`${folder}/`);
          }
        }
      }
      return this.#change(uuid, after);
    });
  }

  async updateManifest(uuid: string, manifestText: string): Promise<CollectionRecord> {
    return this.#request('updateManifest', () => this.#change(uuid, filesOf(this.#checked(manifestText))));
  }

  async canReplaceFiles(): Promise<boolean> {
    return this.#options.replaceFiles ?? true;
  }

  async previousVersionPdh(uuid: string): Promise<string | undefined> {
    return this.#request('previousVersionPdh', () => this.#stored(uuid).versions.at(-1));
  }

  /** What somebody else does, without a request of ours. */
  edit(uuid: string, edit: (files: Files) => void): void {
    const files: Files = new Map(this.#stored(uuid).files);
    edit(files);
    this.#change(uuid, files);
  }

  trash(uuid: string, trashed = true): void {
    const stored = this.#stored(uuid, true);
    stored.record = { ...stored.record, isTrashed: trashed };
  }

  filesIn(uuid: string): Files {
    return this.#stored(uuid, true).files;
  }

  #request<T>(method: string, answer: () => T): T {
    this.calls.push(method);
    const failure = this.failures[0];
    if (failure?.method === method) {
      this.failures.shift();
      if (failure.after === true) {
        answer();
      }
      throw failure.error;
    }
    return answer();
  }

  #stored(uuid: string, evenTrashed = false): Stored {
    const stored = this.collections.get(uuid);
    if (stored === undefined) {
      throw new KeepsyncError('NOT_FOUND', '404: Path not found');
    }
    if (stored.record.isTrashed && !evenTrashed) {
      throw new KeepsyncError('TARGET_GONE', 'The collection is in the trash');
    }
    return stored;
  }

  #checked(manifest: string): string {
    for (const ranges of filesOf(manifest).values()) {
      for (const { locator } of ranges) {
        if (!this.#options.signatureHolds(locator)) {
          throw new KeepsyncError('FORBIDDEN', `403: no valid signature on ${stripLocator(locator)}`);
        }
        if (!this.#options.blockExists(stripLocator(locator))) {
          throw new Error(`a manifest names a block that was never stored: ${stripLocator(locator)}`);
        }
      }
    }
    return manifest;
  }

  #change(uuid: string, files: Files): CollectionRecord {
    const stored = this.#stored(uuid);
    const pdh = portableDataHash(this.#text(files, false));
    if (pdh !== stored.record.portableDataHash) {
      stored.versions.push(stored.record.portableDataHash);
      stored.record = {
        ...stored.record,
        portableDataHash: pdh,
        version: stored.record.version + 1,
        modifiedAt: new Date(this.#options.nowMs()).toISOString(),
        fileCount: files.size,
      };
    }
    const before = stored.files;
    stored.files = files;
    this.#options.onChange?.(uuid, before, files);
    return stored.record;
  }

  #text(files: Files, signed: boolean): string {
    const text = stripManifest([...manifestChunks(entriesOf(files))].join(''));
    return signed
      ? text.replace(/ ([0-9a-f]{32}\+[0-9]+)(?= )/g, (_all, locator: string) =>
          locator === EMPTY ? ` ${locator}` : ` ${this.#options.sign(locator)}`,
        )
      : text;
  }
}

/** A collection as far as the client reads it. Fields that were not selected are absent. */
export interface CollectionRecord {
  readonly uuid: string;
  readonly ownerUuid: string;
  readonly name: string;
  readonly portableDataHash: string;
  readonly version: number;
  /** RFC 3339, UTC, as the server writes it. */
  readonly modifiedAt: string;
  readonly createdAt: string;
  readonly isTrashed: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly replicationDesired: number | null;
  readonly storageClassesDesired: readonly string[];
  readonly fileCount: number;
  readonly fileSizeTotal: number;
}

export interface CollectionWithManifest extends CollectionRecord {
  /** Signed manifest text. */
  readonly manifestText: string;
}

export interface CreateCollection {
  readonly name: string;
  readonly ownerUuid?: string;
  /** Appends a suffix to the name where it is taken, instead of failing. */
  readonly ensureUniqueName: boolean;
  readonly manifestText: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly replicationDesired?: number;
  readonly storageClassesDesired?: readonly string[];
  /**
   * A random id of ours, kept in `properties` under `CREATE_ID_PROPERTY`: before any attempt the store looks for a
   * collection that carries it, so that an answer lost on the way never makes a second one, nor does a restart.
   */
  readonly createId: string;
}

export interface ReplaceFiles {
  /** `/abs/target` to source: `''` deletes; `PDH/path`, `manifest_text/path`, `current/path`. */
  readonly replaceFiles: Readonly<Record<string, string>>;
  /** Needed exactly when a source is `manifest_text/…`. */
  readonly manifestText?: string;
  /** Asks the server to keep the state before this change as a version. */
  readonly preserveVersion?: boolean;
  /** Hash of the collection that this was made for; looked at only where the server cannot do it in one step. */
  readonly basedOn?: string;
}

/** What saving needs of the API. Errors are KeepsyncErrors with the server's request id. */
export interface CollectionStore {
  /** Metadata only: cheap however large the collection. NOT_FOUND, or TARGET_GONE where it is in the trash. */
  get(uuid: string, signal?: AbortSignal): Promise<CollectionRecord>;
  /** With the manifest, freshly signed. Also takes a portable data hash (then only uuid, hash and manifest are real). */
  getWithManifest(uuidOrPdh: string, signal?: AbortSignal): Promise<CollectionWithManifest>;
  create(wanted: CreateCollection, signal?: AbortSignal): Promise<CollectionRecord>;
  /** Atomic on the server. REFUSED where the cluster is older than 3.0: see `canReplaceFiles`. */
  replaceFiles(uuid: string, change: ReplaceFiles, signal?: AbortSignal): Promise<CollectionRecord>;
  /** The whole manifest at once; only for clusters without replace_files. */
  updateManifest(uuid: string, manifestText: string, signal?: AbortSignal): Promise<CollectionRecord>;
  canReplaceFiles(signal?: AbortSignal): Promise<boolean>;
  /** The portable data hash of the newest old version, or undefined where there is none. */
  previousVersionPdh(uuid: string, signal?: AbortSignal): Promise<string | undefined>;
}

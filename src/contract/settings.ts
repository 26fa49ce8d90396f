import * as z from 'zod';

const MIB = 1024 * 1024;

/* What can be set, section by section. Every value has a default, so an old or partly damaged file still loads. */

const accountSection = z.object({
  /** `host` or `host:port`; null: not signed in. The token is never here. */
  host: z.string().nullable().default(null),
  /** Accept any certificate. Only from ARVADOS_API_HOST_INSECURE or a person's own wish. */
  insecure: z.boolean().default(false),
  /** PEM file with a private CA. */
  caFile: z.string().nullable().default(null),
  /** Lets the client send the token to plain-http Keep services of this cluster. */
  allowPlainHttpKeep: z.boolean().default(false),
  /** The account is the built-in local cluster of this profile. */
  local: z.boolean().default(false),
});

const networkSection = z.object({
  /** 0: no limit. */
  uploadLimitBytesPerSecond: z.number().int().min(0).default(0),
  proxy: z.string().nullable().default(null),
  /** Attempts at a block after the first. */
  retries: z.number().int().min(0).max(100).default(10),
});

const uploadsSection = z.object({
  /** Upload threads and queued blocks: 2 + 2 blocks of 64 MiB are the 256 MiB that may be pending. */
  threads: z.number().int().min(1).max(16).default(2),
  queue: z.number().int().min(1).max(16).default(2),
  /** Shared by upload buffers and the download cache. */
  memoryBytes: z
    .number()
    .int()
    .min(192 * MIB)
    .default(384 * MIB),
  calmBaseMs: z.number().int().min(0).default(2_000),
  /** Each so many bytes of a file add a second to its calm period. */
  calmBytesPerSecond: z
    .number()
    .int()
    .min(1)
    .default(50 * MIB),
  calmMaxMs: z.number().int().min(0).default(120_000),
});

const syncSection = z.object({
  rescanEveryMs: z.number().int().min(10_000).default(3_600_000),
  /** How long between looks at the collection for changes made by others. */
  remoteCheckEveryMs: z.number().int().min(5_000).default(300_000),
  /** Above so many entries the watcher watches folders only: each entry costs chokidar 3.6 KiB, so these are 36 MiB. */
  watchEntriesMax: z.number().int().min(0).default(10_000),
  saveEveryMinMs: z.number().int().min(1_000).default(60_000),
  saveEveryMaxMs: z.number().int().min(1_000).default(900_000),
});

const notificationsSection = z.object({
  needsYou: z.boolean().default(true),
  folderSaved: z.boolean().default(true),
});

const startAtLogin = z.boolean();

/** Everything a person can set. */
export const settingsSchema = z.object({
  version: z.literal(1).default(1),
  account: accountSection.prefault({}),
  network: networkSection.prefault({}),
  uploads: uploadsSection.prefault({}),
  sync: syncSection.prefault({}),
  notifications: notificationsSection.prefault({}),
  startAtLogin: startAtLogin.default(false),
});

/** Sections that are to be replaced. One that is left out stays as it is: no default is filled in for it. */
export const settingsChangeSchema = z
  .object({
    version: z.literal(1),
    account: accountSection,
    network: networkSection,
    uploads: uploadsSection,
    sync: syncSection,
    notifications: notificationsSection,
    startAtLogin,
  })
  .partial();

export type Settings = z.infer<typeof settingsSchema>;

export const defaultSettings: Settings = settingsSchema.parse({});

/** Absolute paths with where each goes in the collection; a watched folder has one, with prefix ''. */
const roots = z.array(z.object({ diskPath: z.string().min(1), prefix: z.string() })).min(1);
/** Shown to people; by default the folder's name. */
const folderName = z.string().min(1);
const target = z.object({
  /** Save into this existing collection; null: make one. */
  collectionUuid: z.string().nullable().default(null),
  /** Where a new collection goes; null: the home project. */
  projectUuid: z.string().nullable().default(null),
  collectionName: z.string().min(1).max(255),
  replication: z.number().int().min(1).nullable().default(null),
  storageClasses: z.array(z.string().min(1)).default([]),
});
const deletes = z.enum(['mirror', 'keep']);
const rules = z.object({
  patterns: z.array(z.string()).default([]),
  followLinks: z.boolean().default(false),
  allowUnreadableNames: z.boolean().default(false),
});
const paused = z.boolean();
/** Milliseconds since the epoch at which a pause ends by itself; null: until resumed. */
const pausedUntilMs = z.number().nullable();

/** What a folder pair is made of; the same flags as `put` and `folder add` take. */
export const folderConfigSchema = z.object({
  roots,
  name: folderName,
  target,
  deletes: deletes.default('keep'),
  rules: rules.prefault({}),
  paused: paused.default(false),
  pausedUntilMs: pausedUntilMs.default(null),
});

/** Parts of a folder pair that are to be replaced. One that is left out stays as it is: no default is filled in for it. */
export const folderChangeSchema = z
  .object({ roots, name: folderName, target, deletes, rules, paused, pausedUntilMs })
  .partial();

export type FolderConfig = z.infer<typeof folderConfigSchema>;

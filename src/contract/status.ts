import * as z from 'zod';
import { ERROR_CODES } from '../base/errors.ts';
import { TRAY_STATES } from './problems.ts';

/** The six parts of the segmented bar, in its order. */
export const STAGES = ['saved', 'stored', 'uploading', 'filling', 'waiting', 'failed'] as const;
export type Stage = (typeof STAGES)[number];

const amount = z.object({ files: z.number(), bytes: z.number() });
export type Amount = z.infer<typeof amount>;

/** Files and bytes by stage; their sum is the folder. */
export const barSchema = z.object({
  saved: amount,
  stored: amount,
  uploading: amount,
  filling: amount,
  waiting: amount,
  failed: amount,
});
export type Bar = z.infer<typeof barSchema>;

export const emptyBar = (): Bar => ({
  saved: { files: 0, bytes: 0 },
  stored: { files: 0, bytes: 0 },
  uploading: { files: 0, bytes: 0 },
  filling: { files: 0, bytes: 0 },
  waiting: { files: 0, bytes: 0 },
  failed: { files: 0, bytes: 0 },
});

const pipelineStep = z.object({
  bytes: z.number(),
  blocks: z.number(),
  /** When the oldest of them entered this stage; null where there is none. */
  oldestAtMs: z.number().nullable(),
});

export const pipelineSchema = z.object({
  filling: pipelineStep,
  uploading: pipelineStep,
  stored: pipelineStep,
  saved: pipelineStep,
  failed: pipelineStep,
});
export type Pipeline = z.infer<typeof pipelineSchema>;

/** One cause in one folder (or none), with a count. */
export const problemGroupSchema = z.object({
  /** Stable while the group stands: `CODE` or `CODE:folderId`. */
  id: z.string(),
  code: z.enum(ERROR_CODES),
  kind: z.enum(['waiting', 'needs-you']),
  folderId: z.string().nullable(),
  count: z.number(),
  /** "3 files: no permission to read" */
  title: z.string(),
  /** The newest error's own message. */
  message: z.string(),
  advice: z.string(),
  actions: z.array(z.string()),
  examplePath: z.string().nullable(),
  requestId: z.string().nullable(),
  nextTryAtMs: z.number().nullable(),
  sinceMs: z.number(),
});
export type ProblemGroup = z.infer<typeof problemGroupSchema>;

export const FOLDER_PHASES = [
  'starting',
  'scanning',
  'uploading',
  'saving',
  'watching',
  'paused',
  'stopped',
  'blocked',
] as const;

export const folderStatusSchema = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  collectionUuid: z.string().nullable(),
  collectionName: z.string(),
  projectUuid: z.string().nullable(),
  deletes: z.enum(['mirror', 'keep']),
  phase: z.enum(FOLDER_PHASES),
  tray: z.enum(TRAY_STATES),
  /** One sentence: "Everything saved 2 minutes ago". */
  sentence: z.string(),
  bar: barSchema,
  /**
   * Saved bytes of all bytes, rounded down; 100 only when everything is saved. Null where nobody can say: a folder that is
   * paused or held back, and of which nothing is known to be unsaved.
   */
  percentSaved: z.number().nullable(),
  lastSaveAtMs: z.number().nullable(),
  nextSaveAtMs: z.number().nullable(),
  portableDataHash: z.string().nullable(),
  lastScanAtMs: z.number().nullable(),
  ignored: z.number(),
  links: z.number(),
  pausedUntilMs: z.number().nullable(),
});
export type FolderStatus = z.infer<typeof folderStatusSchema>;

export const snapshotSchema = z.object({
  /** Grows with every change; a view that misses one asks for a whole snapshot. */
  revision: z.number(),
  atMs: z.number(),
  owner: z.enum(['desktop', 'daemon', 'command']),
  version: z.string(),
  account: z.object({
    host: z.string().nullable(),
    user: z.string().nullable(),
    local: z.boolean(),
    connected: z.boolean(),
    tokenExpiresAtMs: z.number().nullable(),
  }),
  tray: z.enum(TRAY_STATES),
  /** The answer to "is my data safe?", one sentence, and a second one below it. */
  verdict: z.object({ sentence: z.string(), detail: z.string() }),
  bar: barSchema,
  pipeline: pipelineSchema,
  throughput: z.object({
    /** Bytes accepted by Keep per second, over the last ten seconds. */
    bytesPerSecond: z.number(),
    /** One sample a second, oldest first, at most 300. */
    samples: z.array(z.object({ sent: z.number(), reused: z.number() })),
    limitBytesPerSecond: z.number(),
    sentBytes: z.number(),
    reusedBytes: z.number(),
    /** Seconds left; null until there are 30 s of steady data, or when stalled. */
    etaSeconds: z.number().nullable(),
  }),
  pendingBlocks: z.number(),
  folders: z.array(folderStatusSchema),
  problems: z.array(problemGroupSchema),
});
export type StatusSnapshot = z.infer<typeof snapshotSchema>;

/** SDK state names, as shown in tooltips, tables and `--json`; SAVED is ours. */
export const BLOCK_STATES = ['WRITABLE', 'PENDING', 'COMMITTED', 'SAVED', 'ERROR'] as const;
export type BlockStateName = (typeof BLOCK_STATES)[number];

export const blockRowSchema = z.object({
  id: z.string(),
  folderId: z.string().nullable(),
  state: z.enum(BLOCK_STATES),
  stage: z.enum(STAGES),
  sizeBytes: z.number(),
  capacityBytes: z.number(),
  /** Without its signature. */
  locator: z.string().nullable(),
  files: z.number(),
  /** At most 5 of them. */
  examplePaths: z.array(z.string()),
  attempts: z.number(),
  server: z.string().nullable(),
  error: z.string().nullable(),
  sinceMs: z.number(),
});
export type BlockRow = z.infer<typeof blockRowSchema>;

export const fileRowSchema = z.object({
  path: z.string(),
  stage: z.enum(STAGES),
  sizeBytes: z.number(),
  reason: z.string().nullable(),
  code: z.enum(ERROR_CODES).nullable(),
});
export type FileRow = z.infer<typeof fileRowSchema>;

export const saveRowSchema = z.object({
  atMs: z.number(),
  files: z.number(),
  bytes: z.number(),
  deleted: z.number(),
  portableDataHash: z.string(),
  version: z.number().nullable(),
});
export type SaveRow = z.infer<typeof saveRowSchema>;

export const activityRowSchema = z.object({
  seq: z.number(),
  atMs: z.number(),
  level: z.enum(['error', 'warn', 'info', 'debug']),
  folderId: z.string().nullable(),
  message: z.string(),
});
export type ActivityRow = z.infer<typeof activityRowSchema>;

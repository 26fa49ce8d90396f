import * as z from 'zod';
import { folderChangeSchema, folderConfigSchema, settingsChangeSchema, settingsSchema } from './settings.ts';
import {
  activityRowSchema,
  BLOCK_STATES,
  blockRowSchema,
  fileRowSchema,
  folderStatusSchema,
  problemGroupSchema,
  STAGES,
  saveRowSchema,
  snapshotSchema,
} from './status.ts';

const page = {
  offset: z.number().int().min(0).default(0),
  limit: z.number().int().min(1).max(20_000).default(200),
};
const folderId = z.object({ folderId: z.string() });
const maybeFolder = z.object({ folderId: z.string().nullable().default(null) });
const done = z.object({ ok: z.literal(true) });

/**
 * Everything that a window, the web page or the command line may ask of the owner of a profile: name, input, output.
 * Both ends check against these schemas; there is no other way in.
 */
export const commands = {
  'status.get': { input: z.object({}), output: snapshotSchema },
  'folders.list': { input: z.object({}), output: z.array(folderStatusSchema) },
  'folders.get': {
    input: folderId,
    output: z.object({ status: folderStatusSchema, config: folderConfigSchema }),
  },
  'folders.add': { input: folderConfigSchema, output: folderStatusSchema },
  'folders.set': {
    input: z.object({ folderId: z.string(), change: folderChangeSchema }),
    output: folderStatusSchema,
  },
  'folders.remove': { input: folderId, output: done },
  'folders.pause': {
    input: z.object({
      folderId: z.string().nullable().default(null),
      untilMs: z.number().nullable().default(null),
    }),
    output: done,
  },
  'folders.resume': { input: maybeFolder, output: done },
  'folders.rescan': { input: maybeFolder, output: done },
  /** Tries now what waits for its next try: everything, a folder, or one problem group. */
  'folders.retry': {
    input: z.object({
      folderId: z.string().nullable().default(null),
      problemId: z.string().nullable().default(null),
    }),
    output: z.object({ retried: z.number() }),
  },
  /** Yes, these deletes are meant (after MASS_DELETE or ROOT_GONE). */
  'folders.confirmDeletes': { input: folderId, output: done },
  'blocks.list': {
    input: z.object({
      folderId: z.string().nullable().default(null),
      states: z.array(z.enum(BLOCK_STATES)).default([]),
      ...page,
    }),
    output: z.object({ total: z.number(), rows: z.array(blockRowSchema) }),
  },
  'files.list': {
    input: z.object({
      folderId: z.string(),
      search: z.string().default(''),
      stages: z.array(z.enum(STAGES)).default([]),
      ...page,
    }),
    output: z.object({ total: z.number(), rows: z.array(fileRowSchema) }),
  },
  'saves.list': { input: z.object({ folderId: z.string(), ...page }), output: z.array(saveRowSchema) },
  'problems.list': { input: z.object({}), output: z.array(problemGroupSchema) },
  'problems.files': {
    input: z.object({ problemId: z.string(), ...page }),
    output: z.object({ total: z.number(), rows: z.array(fileRowSchema) }),
  },
  'activity.list': {
    input: z.object({
      afterSeq: z.number().default(0),
      search: z.string().default(''),
      limit: z.number().int().min(1).max(5_000).default(500),
    }),
    output: z.array(activityRowSchema),
  },
  'settings.get': { input: z.object({}), output: settingsSchema },
  'settings.set': { input: settingsChangeSchema, output: settingsSchema },
  /** Ends the owner: `finish` uploads and saves everything first, `now` keeps it for the next start. */
  'owner.stop': { input: z.object({ how: z.enum(['finish', 'now']) }), output: done },
} as const;

export type Commands = typeof commands;
export type CommandName = keyof Commands;
export type CommandInput<N extends CommandName> = z.input<Commands[N]['input']>;
export type CommandOutput<N extends CommandName> = z.output<Commands[N]['output']>;

/** What the owner sends unasked. */
export const eventSchemas = {
  status: snapshotSchema,
  activity: activityRowSchema,
  /** Blocks whose row changed since the last such event; at most ten events a second. */
  blocks: z.array(blockRowSchema),
} as const;
export type ContractEvents = { [K in keyof typeof eventSchemas]: z.output<(typeof eventSchemas)[K]> };

/** One end of the contract: the engine's side implements it, the others speak it over IPC, WebSocket or a socket. */
export interface CommandHost {
  run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>>;
  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void;
}

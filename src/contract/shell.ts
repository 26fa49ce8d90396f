import * as z from 'zod';
import { ERROR_CODES } from '../base/errors.ts';
import type { errorRecordSchema } from './protocol.ts';

/**
 * What a window may ask of the shell around it, beside the commands: dialogs, the clipboard, signing in. Each call is
 * optional: the desktop offers nearly all, the daemon's web page those that make sense in a browser. The window leaves
 * out what is not offered. Both ends check against these schemas.
 */

const nothing = z.object({});
const done = z.object({ ok: z.literal(true) });

/** How a person signs in. The token travels from the window to the owner and never back. */
export const signInSchema = z.discriminatedUnion('how', [
  z.object({
    how: z.literal('token'),
    host: z.string().min(1),
    token: z.string().min(1),
    /** PEM file with a private CA; null: the system's. */
    caFile: z.string().nullable().default(null),
    proxy: z.string().nullable().default(null),
  }),
  /** ARVADOS_* of the environment, else settings.conf. */
  z.object({ how: z.literal('environment') }),
  /** The cluster that Keepsync runs on this computer itself. */
  z.object({ how: z.literal('local') }),
]);
export type SignIn = z.input<typeof signInSchema>;

/** The checks before a sign-in, in the order in which they are made and shown. */
export const SIGN_IN_CHECKS = ['host', 'arvados', 'certificate', 'clock', 'token', 'keep'] as const;
export type SignInCheck = (typeof SIGN_IN_CHECKS)[number];

export const checkResultSchema = z.object({
  passed: z.boolean(),
  /** "in 38 ms", "until 3 Mar 2027"; where it failed, why, as a sentence. */
  detail: z.string(),
  /** What to do where it failed. */
  action: z.string().nullable().default(null),
  code: z.enum(ERROR_CODES).nullable().default(null),
  requestId: z.string().nullable().default(null),
});
export type CheckResult = z.infer<typeof checkResultSchema>;

export const aboutSchema = z.object({
  platform: z.enum(['linux', 'darwin', 'win32', 'other']),
  /** What the system is called in sentences: "Windows", "macOS", "Linux". */
  systemName: z.string(),
  /** Where the token is between two starts. */
  tokenIsKept: z.enum(['encrypted', 'file', 'memory']),
  /** Without a tray, quitting is offered in the window. */
  hasTray: z.boolean(),
  /** Host found in the environment or settings.conf; null: none. */
  environmentHost: z.string().nullable(),
  environmentFrom: z.enum(['environment', 'settings.conf']).nullable(),
  /** "Try it on this computer" is possible. */
  localCluster: z.boolean(),
});
export type About = z.infer<typeof aboutSchema>;

export const projectSchema = z.object({
  /** Null: the home project. */
  uuid: z.string().nullable(),
  name: z.string(),
  parentUuid: z.string().nullable(),
  writable: z.boolean(),
  /** Null: not counted. */
  collections: z.number().nullable(),
});
export type Project = z.infer<typeof projectSchema>;

const ruleCountSchema = z.object({
  pattern: z.string(),
  /** What this pattern matches first, whether or not it is switched on. */
  files: z.number(),
  bytes: z.number(),
  examplePath: z.string().nullable(),
});

export const previewSchema = z.object({
  files: z.number(),
  bytes: z.number(),
  leftOutFiles: z.number(),
  leftOutBytes: z.number(),
  /** At least so many blocks of 64 MiB. */
  blocks: z.number(),
  rules: z.array(ruleCountSchema),
  /** False while the walk goes on: ask again for newer numbers. */
  complete: z.boolean(),
  countedAtMs: z.number(),
});
export type Preview = z.infer<typeof previewSchema>;

export const diagnosticsSchema = z.object({
  entries: z.array(
    z.object({
      name: z.string(),
      sizeBytes: z.number(),
      /** Secrets and names taken out. */
      removed: z.number(),
    }),
  ),
  bundleBytes: z.number(),
});
export type Diagnostics = z.infer<typeof diagnosticsSchema>;

export const shellCalls = {
  about: { input: nothing, output: aboutSchema },
  /** The system's folder dialog; null: cancelled. */
  chooseFolder: { input: nothing, output: z.string().nullable() },
  /** The system's file dialog for a PEM file; null: cancelled. */
  chooseCaFile: { input: nothing, output: z.string().nullable() },
  /** Shows a file of a folder pair in the system's file manager; path null: the folder itself. */
  showFile: { input: z.object({ folderId: z.string(), path: z.string().nullable() }), output: done },
  copyText: { input: z.object({ text: z.string().max(1_000_000) }), output: done },
  /** Opens the collection in Workbench. Where only the page itself can open it, the answer is the address. */
  openExternalWorkbench: {
    input: z.object({ folderId: z.string() }),
    output: z.object({ url: z.string().nullable() }),
  },
  /** Save dialog for a text that the window made (CSV); false: cancelled. */
  saveText: {
    input: z.object({ suggestedName: z.string().max(200), text: z.string() }),
    output: z.object({ saved: z.boolean() }),
  },
  signIn: { input: signInSchema, output: done },
  signOut: { input: nothing, output: done },
  /** One check of the checklist. The window asks for them one after another. */
  check: {
    input: z.object({ signIn: signInSchema, check: z.enum(SIGN_IN_CHECKS) }),
    output: checkResultSchema,
  },
  /** Home and every project that can be seen, parents before children. */
  listProjects: { input: nothing, output: z.array(projectSchema) },
  /** Storage classes of the cluster and the copies it makes by default. */
  storage: {
    input: nothing,
    output: z.object({
      classes: z.array(z.string()),
      defaultClasses: z.array(z.string()),
      replication: z.number(),
    }),
  },
  /** Counts a folder under the given rules, without sending anything. */
  previewFolder: {
    input: z.object({
      diskPath: z.string().min(1),
      rules: z.array(z.object({ pattern: z.string().min(1), on: z.boolean() })),
    }),
    output: previewSchema,
  },
  /** Which rule of a folder pair leaves this path out; null: none, it is kept. */
  testPath: {
    input: z.object({ folderId: z.string(), path: z.string() }),
    output: z.object({ pattern: z.string().nullable() }),
  },
  diagnostics: { input: nothing, output: diagnosticsSchema },
  readDiagnostics: { input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) },
  saveDiagnostics: { input: nothing, output: z.object({ path: z.string().nullable() }) },
} as const;

export type ShellCalls = typeof shellCalls;
export type ShellCallName = keyof ShellCalls;
export type ShellInput<N extends ShellCallName> = z.input<ShellCalls[N]['input']>;
export type ShellOutput<N extends ShellCallName> = z.output<ShellCalls[N]['output']>;

/** A place in the window that a notification, the tray or a deep link speaks of. */
export const placeSchema = z.discriminatedUnion('view', [
  z.object({ view: z.enum(['overview', 'problems', 'activity', 'settings', 'sign-in', 'add-folder']) }),
  z.object({
    view: z.literal('folder'),
    folderId: z.string(),
    tab: z.enum(['files', 'blocks', 'history', 'rules']).default('files'),
    search: z.string().default(''),
  }),
]);
export type Place = z.output<typeof placeSchema>;

/** The shell as the window sees it: calls that are offered, and no others. */
export type Shell = {
  readonly [N in ShellCallName]?: (input: ShellInput<N>) => Promise<ShellOutput<N>>;
} & {
  /** The absolute path of a folder that was dropped on the window (a DOM File); null: not a folder. */
  readonly acceptDrop?: (file: object) => Promise<string | null>;
  /** Calls back when the shell wants the window to show a place. */
  readonly onNavigate?: (listener: (place: Place) => void) => () => void;
};

/** An error on its way to a window: what a person is shown, never a stack. */
export type ErrorView = z.infer<typeof errorRecordSchema>;

/** The answer to a command or shell call, as plain data: an Error loses its fields on the way through a bridge. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ErrorView };

/** What Electron's preload puts on `window.keepsync`, by contextBridge; nothing else. */
export interface PreloadApi {
  /** `name` is checked against the contract in the main process, not here. */
  run(name: string, input: unknown): Promise<Answer>;
  callShell(name: string, input: unknown): Promise<Answer>;
  /** The shell calls that this shell answers. */
  readonly offers: readonly ShellCallName[];
  subscribe(event: string, listener: (payload: unknown) => void): () => void;
  acceptDrop(file: object): Promise<string | null>;
  onNavigate(listener: (place: Place) => void): () => void;
}

import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import Conf from 'conf';
import type { Clock } from '../base/clock.ts';
import { makePrivateDir, PRIVATE_FILE_MODE, readIfThere } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import { type Settings, settingsSchema } from '../contract/settings.ts';
import type { SettingsStore } from '../engine/ports.ts';
import { copyOf, howToKeepChanges, readSummed, type Summed, summedContent, withSum } from './summed-file.ts';

const KEYS = Object.keys(settingsSchema.shape);

/** Writes the whole file at once, durably: what `conf` does, and electron-store, which is made of it. */
export interface SettingsFile {
  store: Settings & Summed;
}

export type OpenSettingsFile = (place: {
  readonly cwd: string;
  readonly configName: string;
  readonly configFileMode: number;
}) => SettingsFile;

const openConf: OpenSettingsFile = (place) =>
  new Conf<Settings & Summed>({ ...place, clearInvalidConfig: false });

/**
 * Opens `settings.json`. One that is damaged, or was changed without a new sum, is kept aside, and what was written last
 * takes its place; a value that makes no sense gets its default. `tell` says so.
 */
export async function openSettings(
  settingsFile: string,
  clock: Clock,
  tell: (message: string) => void,
  openFile: OpenSettingsFile = openConf,
): Promise<SettingsStore> {
  await makePrivateDir(dirname(settingsFile));
  const raw = await readRaw(settingsFile, clock, tell);
  let settings = tolerantSettings(raw, (path) =>
    tell(`The setting ${path} makes no sense and was set back to its default`),
  );
  let files: readonly SettingsFile[] | undefined;
  const open = () => {
    files ??= [settingsFile, copyOf(settingsFile)].map((path) =>
      openFile({
        cwd: dirname(path),
        configName: basename(path, '.json'),
        configFileMode: PRIVATE_FILE_MODE,
      }),
    );
    return files;
  };
  return {
    get: () => settings,
    set: (change) => {
      const next = settingsSchema.safeParse({ ...settings, ...change });
      if (!next.success) {
        const issue = next.error.issues[0];
        throw new KeepsyncError(
          'USAGE',
          `The setting ${issue?.path.join('.') ?? ''} makes no sense: ${issue?.message ?? ''}`,
          {
            action: 'Correct the value.',
          },
        );
      }
      settings = next.data;
      for (const file of open()) {
        file.store = withSum(settings);
      }
      return settings;
    },
  };
}

async function readRaw(file: string, clock: Clock, tell: (message: string) => void): Promise<unknown> {
  const found = await readSummed(file, { keys: KEYS, nowMs: clock.nowMs() });
  await removeDamagedCopy(file);
  switch (found.kind) {
    case 'absent':
      return {};
    case 'right':
      return found.content;
    case 'restored':
      tell(
        `The settings were damaged or changed by another program; they were kept at ${found.aside}, and those saved last are used. ${howToKeepChanges}`,
      );
      return found.content;
    case 'lost':
      tell(
        `The settings could not be read and were moved to ${found.aside}; defaults are used. ${howToKeepChanges}`,
      );
      return {};
  }
}

/** Conf refuses to write over what it cannot read. */
async function removeDamagedCopy(file: string): Promise<void> {
  const text = await readIfThere(copyOf(file));
  if (text !== undefined && summedContent(text, KEYS) === undefined) {
    await rm(copyOf(file), { force: true });
  }
}

/** As much of the file as makes sense: values that do not are dropped one by one until the rest does. */
function tolerantSettings(raw: unknown, dropped: (path: string) => void): Settings {
  const copy: unknown = structuredClone(raw);
  for (let round = 0; round < 100; round += 1) {
    const parsed = settingsSchema.safeParse(copy);
    if (parsed.success) {
      return parsed.data;
    }
    const path = parsed.error.issues[0]?.path ?? [];
    if (path.length === 0 || !dropAt(copy, path)) {
      break;
    }
    dropped(path.join('.'));
  }
  dropped('file');
  return settingsSchema.parse({});
}

function dropAt(root: unknown, path: readonly PropertyKey[]): boolean {
  let parent: unknown = root;
  for (const key of path.slice(0, -1)) {
    parent = isRecord(parent) ? parent[String(key)] : undefined;
  }
  const last = path.at(-1);
  if (!isRecord(parent) || last === undefined || !Object.hasOwn(parent, last)) {
    return false;
  }
  return delete parent[String(last)];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Settings for one command, with some values replaced by its flags; nothing is written. */
export function fixedSettings(settings: Settings): SettingsStore {
  return {
    get: () => settings,
    set: () => {
      throw new KeepsyncError('USAGE', 'Settings are not changed by a single upload');
    },
  };
}

import { posix, win32 } from 'node:path';
import { KeepsyncError } from '../base/errors.ts';

/** Where one profile keeps its things. `configDir` and `stateDir` are the same folder but on Linux by convention. */
export interface ProfilePaths {
  readonly configDir: string;
  readonly stateDir: string;
  readonly settingsFile: string;
  readonly foldersFile: string;
  readonly tokenFile: string;
  readonly lockFile: string;
  readonly journalFile: string;
  readonly logDir: string;
  readonly logFile: string;
  /** One folder for each `put` that is under way or was interrupted. */
  readonly putDir: string;
  /** One file for each `get` that is under way or was interrupted. */
  readonly getDir: string;
  /** The data of the local cluster that `start` runs. */
  readonly clusterDir: string;
}

export interface ProfilePlace {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `--profile DIR`; else KEEPSYNC_PROFILE; else the platform's conventions. */
  readonly explicit: string | undefined;
  /** For a relative `--profile`. */
  readonly cwd: string;
}

export function profilePaths(place: ProfilePlace): ProfilePaths {
  const path = place.platform === 'win32' ? win32 : posix;
  const given = place.explicit ?? place.env.KEEPSYNC_PROFILE;
  if (given === '') {
    throw new KeepsyncError('USAGE', 'The profile folder is an empty name', {
      action: 'Give a folder after --profile.',
    });
  }
  const { configDir, stateDir } =
    given === undefined
      ? conventional(place)
      : { configDir: path.resolve(place.cwd, given), stateDir: path.resolve(place.cwd, given) };
  const logDir = path.join(stateDir, 'logs');
  return {
    configDir,
    stateDir,
    settingsFile: path.join(configDir, 'settings.json'),
    foldersFile: path.join(configDir, 'folders.json'),
    tokenFile: path.join(configDir, 'token.json'),
    lockFile: path.join(stateDir, 'owner.lock'),
    journalFile: path.join(stateDir, 'journal.sqlite'),
    logDir,
    logFile: path.join(logDir, 'keepsync.log'),
    putDir: path.join(stateDir, 'put'),
    getDir: path.join(stateDir, 'get'),
    clusterDir: path.join(stateDir, 'local-cluster'),
  };
}

function conventional({ platform, env, home }: ProfilePlace): { configDir: string; stateDir: string } {
  if (platform === 'darwin') {
    const dir = posix.join(home, 'Library', 'Application Support', 'Keepsync');
    return { configDir: dir, stateDir: dir };
  }
  if (platform === 'win32') {
    const base = env.LOCALAPPDATA || win32.join(home, 'AppData', 'Local');
    const dir = win32.join(base, 'Keepsync');
    return { configDir: dir, stateDir: dir };
  }
  // XDG base directories: a relative value is to be ignored
  const xdg = (name: string, fallback: string) => {
    const value = env[name];
    return value !== undefined && posix.isAbsolute(value) ? value : posix.join(home, fallback);
  };
  return {
    configDir: posix.join(xdg('XDG_CONFIG_HOME', '.config'), 'keepsync'),
    stateDir: posix.join(xdg('XDG_STATE_HOME', '.local/state'), 'keepsync'),
  };
}

import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FuseState, FuseV1Options, FuseVersion, flipFuses, getCurrentFuseWire } from '@electron/fuses';

/** The packaged app runs as nothing but itself, and only what was packed. */
const WANTED = {
  [FuseV1Options.RunAsNode]: false,
  [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
  [FuseV1Options.EnableNodeCliInspectArguments]: false,
  [FuseV1Options.EnableCookieEncryption]: true,
  [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
  [FuseV1Options.OnlyLoadAppFromAsar]: true,
  [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
};

/** Sets the fuses of a packaged Electron. */
export async function setFuses(executable, { resetAdHocDarwinSignature = false } = {}) {
  const present = await getCurrentFuseWire(executable);
  // a fuse that this Electron does not have yet cannot be set
  const wanted = Object.entries(WANTED).filter(([fuse]) => isSettable(present[fuse]));
  await flipFuses(executable, {
    version: FuseVersion.V1,
    resetAdHocDarwinSignature,
    ...Object.fromEntries(wanted),
  });
}

/**
 * What the executable itself says.
 * @returns {Promise<Array<{ name: string, wanted: boolean, state: 'as wanted' | 'wrong' | 'not there' }>>}
 */
export async function readFuses(executable) {
  const wire = await getCurrentFuseWire(executable);
  return Object.entries(WANTED).map(([fuse, wanted]) => ({
    name: FuseV1Options[fuse] ?? fuse,
    wanted,
    state: isSettable(wire[fuse])
      ? (wire[fuse] === FuseState.ENABLE) === wanted
        ? 'as wanted'
        : 'wrong'
      : 'not there',
  }));
}

function isSettable(state) {
  return state === FuseState.ENABLE || state === FuseState.DISABLE;
}

/**
 * The executable that holds the fuses: the app's own; where that is a script, the program beside it that it starts.
 */
export function fusedExecutable(folder, name) {
  const own = join(folder, name);
  if (!isScript(own)) {
    return own;
  }
  const programs = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.so(\.|$)/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .filter((path) => (statSync(path).mode & 0o111) !== 0)
    .sort((a, b) => statSync(b).size - statSync(a).size);
  if (programs[0] === undefined) {
    throw new Error(`${folder} holds no program`);
  }
  return programs[0];
}

function isScript(path) {
  const handle = openSync(path, 'r');
  try {
    const start = Buffer.alloc(2);
    readSync(handle, start, 0, 2, 0);
    return start.toString('latin1') === '#!';
  } finally {
    closeSync(handle);
  }
}

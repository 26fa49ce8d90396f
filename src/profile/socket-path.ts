import { createHash } from 'node:crypto';
import { posix } from 'node:path';

/** sun_path holds 104 bytes on macOS and 108 on Linux, the terminating zero included. */
const SOCKET_PATH_MAX_BYTES = 103;

export interface SocketPlace {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tmpDir: string;
  /** Keeps two users' folders in the shared temporary folder apart; undefined on Windows. */
  readonly uid: number | undefined;
}

/**
 * Where the owner of the profile in `stateDir` listens: a socket in the profile; where that path is too long, one in the
 * user's runtime folder or in a private folder of the temporary one; on Windows a named pipe. `name` tells several
 * sockets of one profile apart.
 */
export function socketPath(stateDir: string, name: string, place: SocketPlace): string {
  const digest = createHash('sha256').update(`${stateDir}\0${name}`).digest('hex').slice(0, 24);
  if (place.platform === 'win32') {
    return `\\\\.\\pipe\\keepsync-${digest}`;
  }
  const inProfile = posix.join(stateDir, `${name}.sock`);
  if (Buffer.byteLength(inProfile) <= SOCKET_PATH_MAX_BYTES) {
    return inProfile;
  }
  const runtime = place.env.XDG_RUNTIME_DIR;
  const inRuntime = runtime === undefined ? undefined : posix.join(runtime, 'keepsync', `${digest}.sock`);
  if (
    inRuntime !== undefined &&
    posix.isAbsolute(inRuntime) &&
    Buffer.byteLength(inRuntime) <= SOCKET_PATH_MAX_BYTES
  ) {
    return inRuntime;
  }
  return posix.join(place.tmpDir, `keepsync-${place.uid ?? 'user'}`, `${digest}.sock`);
}

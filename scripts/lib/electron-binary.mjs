import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { isAbsolute, join } from 'node:path';

const NAMES = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };

/** Port of display 0. */
const X11_PORT = 6000;
/** How long a display may take to let us in. */
const DISPLAY_WITHIN_MS = 3_000;

/**
 * The Electron to run: that of ELECTRON_OVERRIDE_DIST_PATH; else the one that the electron package has fetched, or fetches
 * now with `fetchBinary`, which says whether that went well and what it said.
 * @returns {{ path: string } | { reason: string }}
 */
export function findElectron({ env, platform, packageDir, fetchBinary }) {
  const name = NAMES[platform] ?? 'electron';
  const dist = env.ELECTRON_OVERRIDE_DIST_PATH;
  if (dist) {
    const path = join(dist, name);
    return existsSync(path) ? { path } : { reason: `ELECTRON_OVERRIDE_DIST_PATH holds no ${name}` };
  }
  const path = join(packageDir, 'dist', name);
  if (existsSync(path)) {
    return { path };
  }
  if (!existsSync(packageDir)) {
    return { reason: 'the package of Electron is not installed' };
  }
  const { ok, output } = fetchBinary();
  return ok && existsSync(path)
    ? { path }
    : { reason: `Electron could not be fetched (${errorLine(output) || 'no answer'})` };
}

/** Why a window could not be shown; undefined where there is a display. */
export async function whyNoDisplay({ env, platform }) {
  if (platform === 'darwin' || platform === 'win32') {
    return undefined;
  }
  if (env.WAYLAND_DISPLAY) {
    const socket = isAbsolute(env.WAYLAND_DISPLAY)
      ? env.WAYLAND_DISPLAY
      : join(env.XDG_RUNTIME_DIR ?? '', env.WAYLAND_DISPLAY);
    if (await answers({ path: socket })) {
      return undefined;
    }
  }
  if (!env.DISPLAY) {
    return 'there is no display';
  }
  return (await hasX11(env.DISPLAY)) ? undefined : `the display ${env.DISPLAY} does not answer`;
}

/** `:1`, `:1.0`, `unix:1`, `host:10.0`; what cannot be understood is left for Electron to try. */
async function hasX11(display) {
  const [, host = '', number] = /^(.*):(\d+)(?:\.\d+)?$/.exec(display) ?? [];
  if (number === undefined) {
    return true;
  }
  if (host !== '' && host !== 'unix') {
    return answers({ host, port: Math.min(X11_PORT + Number(number), 65_535) });
  }
  const path = `/tmp/.X11-unix/X${number}`;
  return (await answers({ path })) || (await answers({ path: `\0${path}` }));
}

function answers(where) {
  return new Promise((resolve) => {
    const socket = connect({ ...where, timeout: DISPLAY_WITHIN_MS });
    const end = (isThere) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** The line that says what went wrong: Node and Chromium put much around it. */
export function errorLine(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const found = lines.find((line) => /error|fatal|cannot|not found/i.test(line)) ?? lines.at(-1) ?? '';
  const said = found.replace(/^\w*Error: /, '');
  return said.length > 200 ? `${said.slice(0, 199)}…` : said;
}

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { errorLine, findElectron, whyNoDisplay } from './electron-binary.mjs';
import { fail, quietly, ROOT, run } from './processes.mjs';

const USAGE = 'Usage: npm start -- [--profile DIR] [--web] [FOLDER]';
/** What an app says before it runs is kept to so many characters: it matters only where it does not come to run. */
const SAID_MAX_LENGTH = 20_000;

/**
 * What `npm start` was given. Relative paths are those of whoever typed them: npm itself goes to the checkout first.
 * @returns {{ folder: string | undefined, profile: string | undefined, web: boolean }}
 */
export function startArgs(args, cwd) {
  const wanted = { folder: undefined, profile: undefined, web: false };
  const rest = [...args];
  while (rest.length > 0) {
    const argument = rest.shift();
    if (argument === '--web') {
      wanted.web = true;
    } else if (argument === '--profile' && rest.length > 0) {
      wanted.profile = resolve(cwd, rest.shift());
    } else if (argument.startsWith('--profile=')) {
      wanted.profile = resolve(cwd, argument.slice('--profile='.length));
    } else if (argument.startsWith('-') || wanted.folder !== undefined) {
      fail(USAGE);
    } else {
      wanted.folder = resolve(cwd, argument);
    }
  }
  return wanted;
}

/**
 * Opens the desktop app on the local cluster with the folder kept saved in it; where that cannot be, the same in a
 * browser, and says why. Resolves to the exit code.
 */
export async function startApp(node, args) {
  const { env, platform } = process;
  const typedIn = env.npm_lifecycle_event === 'start' ? env.INIT_CWD : undefined;
  const wanted = startArgs(args, typedIn ?? process.cwd());
  let reason = wanted.web ? 'as you asked' : await whyNoDisplay({ env, platform });
  if (reason === undefined) {
    const electron = findElectron({
      env,
      platform,
      packageDir: join(ROOT, 'node_modules', 'electron'),
      fetchBinary: () => {
        console.log('Fetching Electron…');
        return quietly(node.path, ['node_modules/electron/install.js']);
      },
    });
    const ended = 'path' in electron ? await runDesktop(electron.path, wanted) : electron;
    if ('exitCode' in ended) {
      return ended.exitCode;
    }
    reason = ended.reason;
  }
  console.log(`In the browser instead of the desktop app: ${reason}.`);
  return await run(node.path, webArgs(wanted));
}

function webArgs({ profile, folder }) {
  return [
    join('dist', 'keepsync.cjs'),
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...['start', '--web'],
    ...(folder === undefined ? [] : [folder]),
  ];
}

/**
 * Runs the desktop app to its end.
 * @returns {Promise<{ exitCode: number } | { reason: string }>} the latter where it could not even start.
 */
function runDesktop(electron, { profile, folder }) {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    console.log('You are root, for whom Chromium has no sandbox: the window runs without it.');
  }
  const args = [
    ...(isRoot ? ['--no-sandbox'] : []),
    ROOT,
    ...(profile === undefined ? [] : ['--profile', profile]),
    folder === undefined ? '--try-here' : `--try-here=${folder}`,
  ];
  return new Promise((resolveEnd) => {
    const child = spawn(electron, args, { cwd: ROOT, stdio: ['inherit', 'inherit', 'pipe', 'ipc'] });
    let hasStarted = false;
    let said = '';
    // the terminal tells the child of Ctrl-C by itself
    const ignore = () => undefined;
    const pass = (signal) => child.kill(signal);
    process.on('SIGINT', ignore);
    process.on('SIGTERM', pass);
    const end = (how) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', pass);
      resolveEnd(how);
    };
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = `${said}${text}`.slice(-SAID_MAX_LENGTH);
    });
    child.on('message', (message) => {
      if (message?.started === true) {
        hasStarted = true;
        said = '';
        console.log('Keepsync runs in its window. Quit it there, or with Ctrl-C here; nothing is lost.');
      }
    });
    child.on('error', (error) => end({ reason: `Electron could not be run (${error.message})` }));
    child.on('close', (code, signal) => {
      if (!hasStarted && (signal !== null || code !== 0)) {
        end({ reason: `Electron did not start (${errorLine(said) || (signal ?? `exit code ${code}`)})` });
        return;
      }
      if (!hasStarted) {
        console.log('Keepsync runs already on this profile; its window shows now.');
      } else if (code !== 0 && said !== '') {
        console.error(said.trimEnd());
      }
      end({ exitCode: code ?? (signal === 'SIGINT' ? 130 : 143) });
    });
  });
}

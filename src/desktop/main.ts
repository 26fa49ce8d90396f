import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, dialog } from 'electron';
import * as z from 'zod';
import { systemClock } from '../base/clock.ts';
import { asKeepsyncError } from '../base/errors.ts';
import { systemRandom } from '../base/random.ts';
import { VERSION } from '../base/version.ts';
import { shellWords } from '../contract/shell-words.ts';
import { openLogFiles } from '../profile/log-files.ts';
import { OwnerLock } from '../profile/owner-lock.ts';
import { type ProfilePaths, profilePaths } from '../profile/profile-paths.ts';
import { openSettings } from '../profile/settings-store.ts';
import { socketPath } from '../profile/socket-path.ts';
import { folderToKeep } from '../shell/try-here.ts';
import { registerAppScheme } from './app-protocol.ts';
import { DesktopApp } from './desktop-app.ts';
import { type DesktopArgs, desktopArgs } from './desktop-args.ts';
import { DesktopMemory } from './desktop-memory.ts';
import { openElectronStore } from './desktop-settings.ts';
import { tellCannotStart, tellDamage } from './dialogs.ts';
import { hasTray } from './has-tray.ts';

/** What a second start hands to the first. */
const secondStartSchema = z.object({ tryHere: z.string().optional() }).catch({});

/** Everything that belongs to one start. Resolves when the app runs, or when it is clear that it will not. */
async function main(): Promise<void> {
  registerAppScheme();
  const args = desktopArgs(process.argv);
  const { platform, env } = process;
  const paths = profilePaths({
    platform,
    env,
    home: homedir(),
    explicit: args.profile,
    cwd: process.cwd(),
  });
  // Chromium's own files, and with them the lock of the single instance: one for each profile
  app.setPath('userData', join(paths.stateDir, 'window'));
  // what a second start was told to keep goes to the first one
  if (!app.requestSingleInstanceLock({ tryHere: args.tryHere })) {
    app.exit(0);
    return;
  }
  let running: DesktopApp | undefined;
  let isWanted = false;
  app.on('second-instance', (_event, _argv, cwd, given) => {
    isWanted = true;
    running?.show();
    const { tryHere } = secondStartSchema.parse(given);
    if (tryHere !== undefined) {
      running?.tryHere({ cwd, home: homedir() }, tryHere);
    }
  });
  await app.whenReady();
  running = await open(paths, args);
  // Ctrl-C, the system, a terminal that was closed
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => running?.quitNow());
  }
  try {
    await running.start();
  } catch (thrown) {
    console.error(asKeepsyncError(thrown).message);
    await tellCannotStart(thrown);
    running.quitNow();
    return;
  }
  if (isWanted) {
    running.show();
  }
  // whoever started it from a terminal, and asked to be told
  process.send?.({ started: true });
}

async function open(paths: ProfilePaths, args: DesktopArgs): Promise<DesktopApp> {
  const { platform, env } = process;
  const { hidden, profile, tryHere } = args;
  const lock = await OwnerLock.acquire({
    lockFile: paths.lockFile,
    socketPath: socketPath(paths.stateDir, 'control', {
      platform,
      env,
      tmpDir: tmpdir(),
      uid: process.getuid?.(),
    }),
    role: 'desktop',
    version: VERSION,
    clock: systemClock,
  });
  const log = openLogFiles(paths.logFile, 'info');
  const warn = (message: string) => log.log('warn', message);
  // nobody waits for the answer: the app starts meanwhile
  const tellPerson = (message: string) => {
    warn(message);
    tellDamage(message).catch((thrown: unknown) => warn(asKeepsyncError(thrown).message));
  };
  process.on('uncaughtException', (error) => {
    // what state we are in is not known any more: the journal goes on from here with the next start
    log.log('error', error.message, { stack: error.stack });
    dialog.showErrorBox(shellWords.failed.crashed, shellWords.failed.crashedDetail);
    const end = () => app.exit(1);
    log.close().then(end, end);
  });
  process.on('unhandledRejection', (thrown) => {
    log.log('error', asKeepsyncError(thrown).message, { stack: asKeepsyncError(thrown).stack });
  });
  return new DesktopApp({
    env: { env, home: homedir(), clock: systemClock, random: systemRandom },
    paths,
    settings: await openSettings(paths.settingsFile, systemClock, tellPerson, openElectronStore),
    log,
    tellDamage: tellPerson,
    lock,
    memory: await DesktopMemory.open(join(paths.stateDir, 'desktop.json'), (thrown) =>
      warn(asKeepsyncError(thrown).message),
    ),
    hasTray: await hasTray(env),
    hidden,
    tryHere:
      tryHere === undefined
        ? undefined
        : await folderToKeep({ cwd: process.cwd(), home: homedir() }, tryHere || undefined),
    profileArgs: profile === undefined ? [] : ['--profile', paths.stateDir],
    bundleDir: __dirname,
  });
}

main().catch(async (thrown: unknown) => {
  console.error(thrown);
  await tellCannotStart(thrown);
  app.exit(1);
});

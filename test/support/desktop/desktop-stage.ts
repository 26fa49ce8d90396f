import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, inject, vi } from 'vitest';
import type { TrayState } from '../../../src/contract/problems.ts';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { BuiltDesktop, type RunningDesktop } from './desktop-under-test.ts';
import { findElectron } from './electron-runtime.ts';

/** How long a busy computer may take for a step. */
export const SOON = { timeout: 180_000, interval: 100 };

const runtime = findElectron(process.env);
/** Why no Electron can be run; '' where one can. */
export const noElectron = 'reason' in runtime ? runtime.reason : '';
/** The name of a suite, with the reason why it is skipped if it is. */
export const suiteName = (name: string): string => (noElectron === '' ? name : `${name} (${noElectron})`);

/** New folders that are gone after the test. */
export class TestFolders {
  readonly #outer: string[] = [];

  make(name: string): string {
    const outer = mkdtempSync(join(tmpdir(), 'keepsync-e2e-'));
    this.#outer.push(outer);
    const folder = join(outer, name);
    mkdirSync(folder);
    return folder;
  }

  remove(): void {
    for (const folder of this.#outer.splice(0)) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** The built app and what tests start of it; profiles and processes end with each test. */
export class DesktopStage {
  readonly desktop: BuiltDesktop;
  readonly #running: RunningDesktop[] = [];
  readonly #folders = new TestFolders();
  #profile = '';

  private constructor(desktop: BuiltDesktop) {
    this.desktop = desktop;
  }

  static async open(): Promise<DesktopStage> {
    if (!('executablePath' in runtime)) {
      throw new Error(runtime.reason);
    }
    return new DesktopStage(await BuiltDesktop.shared(runtime.executablePath, inject('appFolder')));
  }

  /** The running test's profile; the first call makes it. */
  get profile(): string {
    this.#profile ||= this.folder('profile');
    return this.#profile;
  }

  /** A new folder, gone after the test. */
  folder(name: string): string {
    return this.#folders.make(name);
  }

  /** Starts the app on the test's profile. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<RunningDesktop> {
    const started = await this.desktop.start(this.profile, env);
    this.#running.push(started);
    return started;
  }

  async endTest(): Promise<void> {
    for (const app of this.#running.splice(0)) {
      await app.kill();
    }
    this.#folders.remove();
    this.#profile = '';
  }

  async close(): Promise<void> {
    await this.desktop.close();
  }
}

/** Writes files of these sizes, in bytes, each with content of its own in each of its MiB. */
export function writeFiles(folder: string, sizes: Readonly<Record<string, number>>): void {
  for (const [path, sizeBytes] of Object.entries(sizes)) {
    const bytes = Buffer.alloc(sizeBytes, path);
    for (let offset = 0; offset + 4 <= sizeBytes; offset += 1 << 20) {
      bytes.writeUInt32LE(offset, offset);
    }
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}

/** Signs in with what the environment says, at the first question of the window, and leaves the other two. */
export async function signIn(app: RunningDesktop): Promise<void> {
  const page = await app.page();
  await page.getByText('As set on this computer').click();
  await page.getByText('6 of 6 checks passed').waitFor(SOON);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.getByText('What should be kept?').waitFor(SOON);
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor(SOON);
}

/** The same after a restart: where there is no keychain, the token was in memory only. */
export async function signInAgain(app: RunningDesktop): Promise<void> {
  const page = await app.page();
  await page.getByRole('heading', { level: 1 }).waitFor(SOON);
  if ((await app.shell('about', {})).tokenIsKept !== 'memory') {
    return;
  }
  await page.getByRole('link', { name: /^Problems/ }).click();
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('As set on this computer').click();
  await page.getByText('6 of 6 checks passed').waitFor(SOON);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor(SOON);
}

/** Retries and calm periods so short that a test need not wait for them; before signing in. */
export async function hurry(app: RunningDesktop): Promise<void> {
  const { network, uploads } = await app.run('settings.get', {});
  await app.run('settings.set', {
    network: { ...network, retries: 0 },
    uploads: { ...uploads, calmBaseMs: 200 },
  });
}

/** Keeps a folder as a person would who chose it in the dialog; gives its id. */
export async function keep(app: RunningDesktop, folder: string, name: string): Promise<string> {
  await app.answerDialogs({ folder });
  await app.shell('chooseFolder', {});
  const { id } = await app.run('folders.add', {
    roots: [{ diskPath: folder, prefix: '' }],
    name,
    target: { collectionName: name },
  });
  return id;
}

/** For people who want to see what a test sees: KEEPSYNC_E2E_PICTURES names a folder for the pictures. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.KEEPSYNC_E2E_PICTURES;
  if (folder) {
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
}

/** Waits for a state of the tray, and of the whole snapshot where `holds` says more. */
export async function untilTray(
  app: RunningDesktop,
  state: TrayState,
  holds: (snapshot: StatusSnapshot) => void = () => undefined,
): Promise<StatusSnapshot> {
  return await vi.waitFor(async () => {
    const snapshot = await app.run('status.get', {});
    expect(snapshot.tray, snapshot.verdict.sentence).toBe(state);
    holds(snapshot);
    return snapshot;
  }, SOON);
}

/** Waits until as many files as these are saved and nothing else is on its way. */
export const untilSaved = (app: RunningDesktop, files: number): Promise<StatusSnapshot> =>
  untilTray(app, 'ready', ({ bar }) => expect(bar.saved.files).toBe(files));

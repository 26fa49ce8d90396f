// Takes the pictures of the README and of the guide: the real app, a local cluster, and folders as a sequencing lab has
// them, caught on their way. Started by run.mjs, on Node 24. It takes some minutes: half of what there is goes up at a
// limited rate, so that the throughput has something to show.
//
//   KEEPSYNC_PICTURES_SCALE=0.2   large files of a fifth of their size, for a quick look
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { FolderStatus, StatusSnapshot } from '../../src/contract/status.ts';
import { launchChromium } from '../../test/renderer/support/chromium.ts';
import { BuiltDesktop, type RunningDesktop } from '../../test/support/desktop/desktop-under-test.ts';
import { findElectron } from '../../test/support/desktop/electron-runtime.ts';
import { Camera } from './camera.ts';
import { LabCluster } from './lab-cluster.ts';
import { EARLIER_READS, type LabFile, MISEQ_RUN, NOVASEQ_RUN, TRIO, writeLabFolder } from './lab-folders.ts';

const PICTURES = fileURLToPath(new URL('../../docs/pictures', import.meta.url));
const MIB = 1024 * 1024;
const POLL_MS = 250;
const PATIENCE_MS = 10 * 60_000;

const scale = Number(process.env.KEEPSYNC_PICTURES_SCALE ?? 1);
/** At full scale the large folders take about five minutes at this rate: as long as the throughput goes back. */
const LIMIT_BYTES_PER_SECOND = 32 * MIB;

/** A block that Keep has no time for shall be seen to fail within the time of a picture. */
const RETRIES = 1;

const NOVASEQ = '20261118_A01234_0421_BHJ7KLDSXC';
const READS = '20261112_A01234_0420_AHJ5MNDSXC_fastq';
const MISEQ = '20261119_M07712_0188_000000000-L9F4K';
const TRIO_NAME = 'trio-2026-11';

/** The app, and what is done with it. */
class Session {
  readonly app: RunningDesktop;
  readonly page: Page;
  readonly camera: Camera;

  constructor(app: RunningDesktop, page: Page, camera: Camera) {
    this.app = app;
    this.page = page;
    this.camera = camera;
  }

  /** Waits until the status is as wanted. */
  async until(what: string, wanted: (status: StatusSnapshot) => boolean): Promise<StatusSnapshot> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.app.run('status.get', {});
      if (wanted(status)) {
        return status;
      }
      if (Date.now() > end) {
        throw new Error(`Waited in vain: ${what}. ${JSON.stringify(status, null, 1)}`);
      }
      await sleep(POLL_MS);
    }
  }

  async folder(name: string): Promise<FolderStatus> {
    const { folders } = await this.app.run('status.get', {});
    const found = folders.find((folder) => folder.name === name);
    if (found === undefined) {
      throw new Error(`There is no folder ${name}`);
    }
    return found;
  }

  async go(place: string): Promise<void> {
    await this.page.evaluate((hash) => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = hash;
    }, place);
  }

  async add(diskPath: string, collectionName: string, projectUuid: string): Promise<void> {
    await this.app.answerDialogs({ folder: diskPath });
    await this.app.shell('chooseFolder', {});
    await this.app.run('folders.add', {
      roots: [{ diskPath, prefix: '' }],
      name: basename(diskPath),
      target: { collectionName, projectUuid },
      deletes: 'mirror',
      rules: { patterns: ['*.tmp', '*.partial', '.DS_Store', 'Thumbs.db'] },
    });
  }
}

const allSaved = ({ tray }: StatusSnapshot) => tray === 'ready';
const part = (of: number, ...others: number[]) =>
  of / Math.max(1, of + others.reduce((sum, n) => sum + n, 0));
const savedPart = ({ bar }: StatusSnapshot | FolderStatus) =>
  part(
    bar.saved.bytes,
    bar.stored.bytes,
    bar.uploading.bytes,
    bar.filling.bytes,
    bar.waiting.bytes,
    bar.failed.bytes,
  );

/** Blocks on the way, and some that wait for the next save: what a picture of the pipeline is for. */
const onTheWay = ({ pipeline }: StatusSnapshot) =>
  pipeline.uploading.blocks >= 2 && pipeline.stored.blocks >= 4;

async function firstRun(session: Session, lab: LabCluster, folder: string): Promise<void> {
  const { app, page, camera } = session;
  await page.getByLabel('Cluster host').fill(lab.cluster.apiHost);
  await page.getByLabel('Token', { exact: true }).fill(lab.token);
  await page.getByText('6 of 6 checks passed').waitFor();
  await camera.take('first-run-where');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('What should be kept?').waitFor();
  await app.answerDialogs({ folder });
  await page.getByRole('button', { name: 'Choose a folder' }).click();
  await page.getByText('are left out').waitFor();
  await page.getByText(/^Counted/).waitFor();
  await camera.take('first-run-what');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('MiSeq', { exact: true }).click();
  await page.getByRole('button', { name: 'Delete it there too' }).click();
  await page.getByLabel('Collection', { exact: true }).fill('Run 0188, MiSeq');
  await page.getByText(/at least/).waitFor();
  await camera.take('first-run-whither');
  await page.getByRole('button', { name: 'Start' }).click();
}

async function whileUploading(session: Session): Promise<void> {
  const { page, camera } = session;
  const novaseq = (await session.folder(NOVASEQ)).id;
  await session.go('#/overview');
  await session.until(
    'an estimate, half of it saved',
    (status) => status.throughput.etaSeconds !== null && savedPart(status) > 0.5 && onTheWay(status),
  );
  await camera.take('overview');
  await session.go(`#/folder/${novaseq}/files`);
  await page.getByText('RunInfo.xml').waitFor();
  const { rows } = await session.app.run('files.list', { folderId: novaseq, stages: ['uploading'] });
  // around a file that is on its way there are some of every stage
  const nearby = rows.map((row) => /L00\d\/C\d/.exec(row.path)?.[0]).find((part) => part !== undefined);
  await page.getByPlaceholder(/^Search/).fill(nearby ?? 'L001/C1');
  await page.getByText('RunInfo.xml').waitFor({ state: 'detached' });
  await session.until('blocks on the way', onTheWay);
  await camera.take('folder-files');
  await session.go(`#/folder/${novaseq}/blocks`);
  await page.getByText('Not safe yet').first().waitFor();
  await session.until('blocks on the way', onTheWay);
  await camera.take('folder-blocks');
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.getByRole('button', { name: /^Not safe yet/ }).click();
  await session.until('blocks on the way', onTheWay);
  await camera.take('folder-blocks-table');
  await page.getByRole('button', { name: 'Map', exact: true }).click();
}

async function otherViews(session: Session): Promise<void> {
  const { page, camera } = session;
  const novaseq = (await session.folder(NOVASEQ)).id;
  await session.go(`#/folder/${novaseq}/history`);
  await page.getByText('Version').waitFor();
  await camera.take('folder-history');
  await session.go(`#/folder/${novaseq}/rules`);
  await page.getByText('are left out').first().waitFor();
  await camera.take('folder-rules');
  await session.go('#/settings');
  await page.getByText('Look inside').waitFor();
  await camera.take('settings');
}

async function problems(session: Session, lab: LabCluster, runs: string, results: string): Promise<void> {
  const { app, page, camera } = session;
  lab.refuseOneBlock();
  for (const name of ['final report', 'summary for Ana', 'cohort plot']) {
    writeFileSync(
      join(results, TRIO_NAME, 'qc', `${name.replaceAll(' ', '\u00a0')}.html`),
      `<h1>${name}</h1>\n`,
    );
  }
  for (const name of ['consent', 'pedigree-private']) {
    const file = join(results, TRIO_NAME, `${name}.pdf`);
    writeFileSync(file, name.repeat(40_000));
    chmodSync(file, 0);
  }
  // at once, as when somebody tidies up: most of the files of this run are in there
  renameSync(join(runs, MISEQ, 'Data'), join(runs, 'Data of run 188'));
  await app.run('folders.rescan', { folderId: null });
  await session.until('problems of each kind', ({ problems: groups }) => {
    const codes = new Set(groups.map((group) => group.code));
    return ['MASS_DELETE', 'BAD_NAME', 'FILE_DENIED', 'BUSY'].every((code) => codes.has(code as never));
  });
  await session.go('#/problems');
  await page.getByText('need you').first().waitFor();
  await camera.take('problems');
  await session.go('#/overview');
  await camera.take('overview-problems');
  await session.go('#/activity');
  await page.getByText('What happened').waitFor();
  await camera.take('activity');
}

/** The icons as the build draws them, in the colours of a bar that is light or dark. */
async function takeTrayIcons(desktop: BuiltDesktop): Promise<void> {
  const icon = (state: string, bar: string) => {
    const file = join(desktop.folder, 'dist', 'desktop', 'tray', `${state}-22-${bar}@2x.png`);
    const data = readFileSync(file).toString('base64');
    return `<img class="${bar}" alt="" width="22" height="22" src="data:image/png;base64,${data}">`;
  };
  const states = ['ready', 'syncing', 'paused', 'offline', 'attention', 'error'];
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const cells = states.map(
      (state) => `<div>${icon(state, 'light')}${icon(state, 'dark')}<span>${state}</span></div>`,
    );
    await page.setContent(`<!doctype html><style>
      body { margin: 0; height: 100vh; display: grid; grid-template-columns: repeat(6, 1fr); align-items: center;
        font: 13px sans-serif; text-align: center; text-transform: capitalize; background: #f6f7f9; color: #4a515d }
      div { display: grid; gap: 10px; justify-items: center }
      .dark { display: none }
      @media (prefers-color-scheme: dark) {
        body { background: #101317; color: #b3bac6 }
        .dark { display: block }
        .light { display: none }
      }</style>${cells.join('')}`);
    await (await Camera.on(page, PICTURES, { width: 640, height: 96 })).take('tray');
  } finally {
    await browser.close();
  }
}

async function takePictures(base: string, folders: string, desktop: BuiltDesktop): Promise<void> {
  const runs = join(folders, 'Runs');
  const results = join(folders, 'Results');
  const write = (folder: string, name: string, files: readonly LabFile[]) =>
    writeLabFolder(join(folder, name), files, scale);
  write(runs, MISEQ, MISEQ_RUN);
  write(results, TRIO_NAME, TRIO);
  write(runs, NOVASEQ, NOVASEQ_RUN);
  write(results, READS, EARLIER_READS);
  const lab = await LabCluster.start(join(base, 'cluster'));
  let app: RunningDesktop | undefined;
  let instrument: ReturnType<typeof setInterval> | undefined;
  try {
    const profile = join(base, 'profile');
    mkdirSync(profile);
    writeFileSync(join(profile, 'settings.json'), JSON.stringify({ network: { retries: RETRIES } }));
    app = await desktop.start(profile, { SSL_CERT_FILE: lab.cluster.caFile });
    const page = await app.page();
    const session = new Session(app, page, await Camera.on(page, PICTURES));
    await firstRun(session, lab, join(runs, MISEQ));
    await session.add(
      join(results, TRIO_NAME),
      'Trio 2026-11, joint calls',
      lab.projects['Results/Trio 2026'],
    );
    await session.until('the first two folders', (status) => status.folders.length === 2 && allSaved(status));
    await page
      .getByText(/^Everything saved/)
      .first()
      .waitFor();
    await session.camera.take('overview-saved');
    await app.run('settings.set', {
      network: { uploadLimitBytesPerSecond: LIMIT_BYTES_PER_SECOND, retries: RETRIES },
      sync: { saveEveryMinMs: 30_000 },
    });
    const written = join(runs, NOVASEQ, 'Fastq', 'NA12892_S3_L003_R1_001.fastq.gz');
    instrument = setInterval(() => appendFileSync(written, Buffer.alloc(MIB)), 1_000);
    await session.add(join(runs, NOVASEQ), 'Run 0421, NovaSeq', lab.projects['Runs 2026/NovaSeq']);
    await session.add(join(results, READS), 'FASTQ of run 0420', lab.projects.Results);
    await whileUploading(session);
    await problems(session, lab, runs, results);
    await otherViews(session);
  } finally {
    clearInterval(instrument);
    await app?.kill();
    await lab.close();
  }
}

/** As root no file is unreadable: then the app is started without that power. */
function withoutRootPowers(executablePath: string, base: string): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return executablePath;
  }
  const script = join(base, 'electron');
  const powers = ['dac_override', 'dac_read_search'].map((power) => `-${power}`).join(',');
  writeFileSync(
    script,
    `#!/bin/sh\nexec setpriv --bounding-set=${powers} --inh-caps=${powers} '${executablePath}' "$@"\n`,
  );
  chmodSync(script, 0o755);
  return script;
}

const runtime = findElectron(process.env);
if ('reason' in runtime) {
  console.error(`No pictures: ${runtime.reason}`);
  process.exit(1);
}
const base = mkdtempSync(join(tmpdir(), 'keepsync-pictures-'));
// its path is in the pictures: a short one, and the same every time
const folders = join(tmpdir(), 'lab');
/** Says that the folder is one of ours, left behind by a run that was interrupted. */
const mark = join(folders, '.keepsync-pictures');
if (existsSync(mark)) {
  rmSync(folders, { recursive: true, force: true });
} else if (existsSync(folders)) {
  console.error(`No pictures: ${folders} is in the way; remove it, or name another place in TMPDIR`);
  process.exit(1);
}
mkdirSync(folders);
writeFileSync(mark, '');
mkdirSync(dirname(PICTURES), { recursive: true });
try {
  const desktop = await BuiltDesktop.build(withoutRootPowers(runtime.executablePath, base));
  try {
    await takeTrayIcons(desktop);
    await takePictures(base, folders, desktop);
  } finally {
    await desktop.close();
  }
  console.log(`${readdirSync(PICTURES).length} pictures in ${PICTURES}`);
} finally {
  rmSync(folders, { recursive: true, force: true });
  rmSync(base, { recursive: true, force: true });
}

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { clusterIn, contentOfCollection, contentOfFolder } from '../support/desktop/collection-content.ts';
import {
  DesktopStage,
  noElectron,
  picture,
  suiteName,
  untilSaved,
  writeFiles,
} from '../support/desktop/desktop-stage.ts';

const MIB = 1 << 20;
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

describe.skipIf(noElectron !== '')(suiteName('the first run in a real Electron'), () => {
  let stage: DesktopStage;
  beforeAll(async () => {
    stage = await DesktopStage.open();
  }, 600_000);
  afterEach(() => stage.endTest());
  afterAll(() => stage?.close());

  test('leads with three questions to a folder whose every byte is in the cluster, and then to a second one', async () => {
    const run = stage.folder('run-0421');
    writeFiles(run, {
      'Fastq/NA12878_S1_L001_R1_001.fastq.gz': 70 * MIB,
      'Fastq/NA12878_S1_L001_R2_001.fastq.gz': 40 * MIB,
      'InterOp/QMetricsOut.bin': 3 * MIB + 1,
      'RunInfo.xml': 812,
      'empty.txt': 0,
      'deep/er/a name with spaces, Ümläute and \\ 042.txt': 77,
      'left-out.tmp': 5_000,
      ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`Logs/cycle-${i}.log`, 100 + i])),
    });
    const app = await stage.start();
    const page = await app.page();

    await page.getByText('Where should your files go?').waitFor();
    await picture(page, 'first-run-where');
    expect(await button(page, 'Continue').isDisabled()).toBe(true);
    await page.getByText('Try it on this computer').click();
    await button(page, 'Continue').click();

    await page.getByText('What should be kept?').waitFor();
    await page.getByText('Local cluster').first().waitFor();
    expect(await button(page, 'Continue').isDisabled()).toBe(true);
    await app.answerDialogs({ folder: run });
    await button(page, 'Choose a folder').click();
    await page.getByText('206 files, 113 MiB').waitFor();
    await page.getByText('1 file, 4.88 KiB').waitFor();
    await picture(page, 'first-run-what');
    await button(page, 'Continue').click();

    await page.getByText('Which place in Arvados?').waitFor();
    await page.getByText('206 files, 113 MiB, at least 2 blocks').waitFor();
    await page.getByLabel('Collection').fill('Run 0421');
    await picture(page, 'first-run-whither');
    await button(page, 'Start').click();

    const overview = page.getByRole('heading', { level: 1, name: /^Everything saved/ });
    await overview.waitFor({ timeout: 90_000 });
    await page.getByText('All saved').waitFor();
    await picture(page, 'first-run-saved');
    const [first] = (await untilSaved(app, 206)).folders;
    const client = await clusterIn(join(stage.profile, 'local-cluster'));
    const { 'left-out.tmp': leftOut, ...kept } = contentOfFolder(run);
    expect(leftOut).toBeDefined();
    expect(await contentOfCollection(client, first?.collectionUuid ?? '')).toEqual(kept);
    expect(await client.good('GET', `collections/${first?.collectionUuid}`)).toMatchObject({
      name: 'Run 0421',
      portable_data_hash: first?.portableDataHash,
    });

    // a second folder, and a file more in the first
    const second = stage.folder('trio');
    writeFiles(second, { 'joint/cohort.g.vcf.gz': 5 * MIB, 'joint/cohort.g.vcf.gz.tbi': 900 });
    await app.answerDialogs({ folder: second });
    await page.getByRole('link', { name: 'Add folder' }).first().click();
    await button(page, 'Choose a folder').click();
    await button(page, 'Continue').click();
    await button(page, 'Start').click();
    await page.getByRole('heading', { level: 1, name: 'trio' }).waitFor();
    writeFiles(run, { 'Fastq/late.fastq.gz': MIB });
    const { folders } = await untilSaved(app, 209);
    expect(folders.map((folder) => folder.collectionName)).toEqual(['Run 0421', 'trio']);
    const saved = await Promise.all(
      folders.map((folder) => contentOfCollection(client, folder.collectionUuid ?? '')),
    );
    expect(saved).toEqual([
      { ...kept, ...pick(contentOfFolder(run), 'Fastq/late.fastq.gz') },
      contentOfFolder(second),
    ]);
    await picture(page, 'folder-files');
  }, 600_000);
});

const pick = (content: Readonly<Record<string, string>>, path: string) => ({ [path]: content[path] });

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { GetState } from '../../src/cli/get/get-state.ts';

const dir = mkdtempSync(join(tmpdir(), 'keepsync-get-state-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const BLOCK = 'acbd18db4cc2f85cedef654fccc4a4d8+3';

it('remembers blocks after a kill, and forgets them after a power cut: their bytes were never synced', async () => {
  const path = join(dir, 'state');
  const open = () =>
    GetState.open({ path, portableDataHash: `${BLOCK}1`, partsDir: '/parts', clock: systemClock });
  const first = await open();
  first.blockDone(BLOCK);
  await first.filesFinishing([7]);
  await first.close({ forget: false });

  const afterKill = await open();
  expect([...afterKill.doneBlocks]).toEqual([BLOCK]);
  expect([...afterKill.finishedFiles]).toEqual([7]);
  await afterKill.close({ forget: false });

  writeFileSync(path, readFileSync(path, 'utf8').replace(/"bootId":"[^"]*"/, '"bootId":"the start before"'));
  const afterPowerCut = await open();
  expect(afterPowerCut.doneBlocks.size).toBe(0);
  expect(afterPowerCut.finishedFiles.size).toBe(0);
  expect(afterPowerCut.leftoverPartsDir).toBe('/parts');
  await afterPowerCut.close({ forget: true });
});

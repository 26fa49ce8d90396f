import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/contract/settings.ts';
import { folderToKeep, keepFolder, requireNoOtherCluster } from '../../src/shell/try-here.ts';
import { ROOT, World } from '../support/world.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keepsync-try-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the folder to try it with', () => {
  test('is the one that was named, seen from where it was typed, and made where it is missing', async () => {
    const place = { cwd: dir, home: join(dir, 'home') };
    expect(await folderToKeep(place, 'some/folder')).toBe(join(dir, 'some/folder'));
    expect(existsSync(join(dir, 'some/folder'))).toBe(true);
    expect(existsSync(place.home)).toBe(false);
  });

  test('else ~/Keepsync with a welcome, which is never written over', async () => {
    const place = { cwd: dir, home: dir };
    const path = await folderToKeep(place, undefined);
    expect(path).toBe(join(dir, 'Keepsync'));
    expect(readFileSync(join(path, 'Welcome.txt'), 'utf8')).toContain('Keepsync');
    writeFileSync(join(path, 'Welcome.txt'), 'mine now');
    await folderToKeep(place, undefined);
    expect(readFileSync(join(path, 'Welcome.txt'), 'utf8')).toBe('mine now');
  });

  test('is added once, also after a restart and before anything of it was looked at', async () => {
    const world = new World();
    try {
      await world.load();
      expect(await keepFolder(world.engine, ROOT)).toBe('pair01');
      const id = await keepFolder(world.engine, '/data/other');
      expect(await keepFolder(world.engine, '/data/other')).toBe(id);
      expect(world.pairs).toHaveLength(2);
      expect(world.pairs[1]).toMatchObject({ config: { name: 'other', deletes: 'keep' } });
    } finally {
      await world.end();
    }
  });
});

test('a profile that is signed in to a real cluster is left alone', () => {
  const account = { ...defaultSettings.account, host: 'zzzzz.example.org' };
  const check = (change: object) => () =>
    requireNoOtherCluster({ ...defaultSettings, account: { ...account, ...change } });
  expect(check({})).toThrow(
    expect.objectContaining({ code: 'USAGE', action: expect.stringContaining('--profile') }),
  );
  expect(check({ local: true })).not.toThrow();
  expect(check({ host: null })).not.toThrow();
});

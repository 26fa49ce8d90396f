import { describe, expect, test } from 'vitest';
import { pauseEndMs, type TrayItem, trayMenu } from '../../src/desktop/tray-menu.ts';
import type { StatusInput } from '../../src/status/inputs.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { NOW_MS, signedIn, someConfig, someFolder, someProblem, someTallies } from '../status/make.ts';

function menu(...inputs: StatusInput[]): readonly TrayItem[] {
  const fold = new StatusFold('desktop', '0.1.0');
  for (const input of inputs) {
    fold.apply(input, NOW_MS);
  }
  return trayMenu(fold.snapshot(NOW_MS));
}

const labels = (items: readonly TrayItem[]): string[] =>
  items.map((item) =>
    item.kind === 'line'
      ? '-'
      : item.kind === 'submenu'
        ? `${item.label} > ${labels(item.items).join(', ')}`
        : item.label,
  );

const account: StatusInput = { type: 'account', account: signedIn };
const savedFolder: StatusInput = {
  type: 'folder',
  facts: someFolder({
    tallies: someTallies({ saved: { files: 3, bytes: 300 } }),
    lastSaveAtMs: NOW_MS - 120_000,
  }),
};

describe('the menu of the tray', () => {
  test('with nothing in it yet: open, settings, quit', () => {
    expect(labels(menu())).toEqual(['Not signed in', '-', 'Open Keepsync', '-', 'Settings', 'Quit Keepsync']);
  });

  test('all saved: the verdict first, pausing and the folders', () => {
    expect(labels(menu(account, savedFolder))).toEqual([
      'Everything saved 2 minutes ago',
      '-',
      'Open Keepsync',
      'Pause > For 1 hour, Until tomorrow, Until I resume',
      'Folders > Trio: Everything saved 2 minutes ago',
      '-',
      'Settings',
      'Quit Keepsync',
    ]);
  });

  test('problems are counted as far as they need somebody, and can be tried again', () => {
    const problems: StatusInput = {
      type: 'problems',
      folderId: 'f1',
      problems: [someProblem(), someProblem({ code: 'FILE_BUSY' })],
    };
    const shown = labels(menu(account, savedFolder, problems));
    expect(shown).toContain('Problems (1)');
    expect(shown).toContain('Retry now');
    const waiting: StatusInput = {
      type: 'problems',
      folderId: 'f1',
      problems: [someProblem({ code: 'FILE_BUSY' })],
    };
    expect(labels(menu(account, savedFolder, waiting))).toContain('Problems');
  });

  test('paused folders can be resumed; pausing is offered while one runs', () => {
    const paused: StatusInput = {
      type: 'folder',
      facts: someFolder({ phase: 'paused', config: { ...someConfig(), paused: true } }),
    };
    const all = labels(menu(account, paused));
    expect(all).toContain('Resume');
    expect(all.some((label) => label.startsWith('Pause >'))).toBe(false);
    const other: StatusInput = {
      type: 'folder',
      facts: someFolder({ id: 'f2', config: someConfig('Other') }),
    };
    const some = labels(menu(account, paused, other));
    expect(some).toContain('Resume');
    expect(some.some((label) => label.startsWith('Pause >'))).toBe(true);
  });

  test('a long name does not make a wide menu', () => {
    const long: StatusInput = {
      type: 'folder',
      facts: someFolder({ config: someConfig('x'.repeat(250)) }),
    };
    const folders = menu(account, long).find((item) => item.kind === 'submenu' && item.label === 'Folders');
    expect(labels(folders?.kind === 'submenu' ? folders.items : [])[0]?.length).toBeLessThanOrEqual(60);
  });
});

describe('the end of a pause', () => {
  test('counts from when it is chosen', () => {
    expect(pauseEndMs('hour', NOW_MS)).toBe(NOW_MS + 3_600_000);
    expect(pauseEndMs('until-resume', NOW_MS)).toBeNull();
  });

  test('tomorrow is the next morning, at any hour of today', () => {
    for (const hour of [0, 5, 6, 23]) {
      const now = new Date(2026, 10, 22, hour, 30);
      const end = new Date(pauseEndMs('tomorrow', now.getTime()) ?? 0);
      expect([end.getDate(), end.getHours(), end.getMinutes()]).toEqual([23, 6, 0]);
    }
  });
});

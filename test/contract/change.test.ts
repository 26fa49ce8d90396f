import { describe, expect, test } from 'vitest';
import { changed, changeOf } from '../../src/contract/change.ts';
import { commands } from '../../src/contract/commands.ts';
import { defaultSettings, folderConfigSchema, settingsSchema } from '../../src/contract/settings.ts';

const folder = folderConfigSchema.parse({
  roots: [{ diskPath: '/data', prefix: '' }],
  name: 'data',
  target: { collectionName: 'data', replication: 3 },
  rules: { patterns: ['*.tmp'], followLinks: true },
  paused: true,
});

describe('a change', () => {
  test.each([
    ['settings.set', {}],
    ['settings.set', { startAtLogin: true }],
    ['settings.set', { network: { retries: 3 } }],
    ['settings.set', { account: {}, uploads: { threads: 4 } }],
  ] as const)('of %s names nothing that was not named: %j', (name, change) => {
    expect(commands[name].input.parse(change)).toEqual(change);
  });

  test.each([
    {},
    { deletes: 'mirror' as const },
    { rules: { patterns: ['*.bam'] } },
    { target: { replication: null } },
  ])('of a folder names nothing that was not named: %j', (change) => {
    const input = { folderId: 'f', change };
    expect(commands['folders.set'].input.parse(input)).toEqual(input);
  });

  test('is checked as what it changes', () => {
    const schema = changeOf(settingsSchema);
    expect(schema.safeParse({ network: { retries: -1 } }).success).toBe(false);
    expect(schema.safeParse({ network: null }).success).toBe(false);
    expect(changeOf(folderConfigSchema).safeParse({ roots: [] }).success).toBe(false);
  });

  test('leaves the rest as it is, at every depth', () => {
    expect(changed(folder, { deletes: 'mirror' })).toEqual({ ...folder, deletes: 'mirror' });
    expect(changed(folder, { rules: { patterns: [] }, target: { replication: null } })).toEqual({
      ...folder,
      rules: { ...folder.rules, patterns: [] },
      target: { ...folder.target, replication: null },
    });
    expect(changed(defaultSettings, { startAtLogin: undefined, network: { retries: undefined } })).toEqual(
      defaultSettings,
    );
  });
});

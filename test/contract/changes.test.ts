import { describe, expect, test } from 'vitest';
import { commands } from '../../src/contract/commands.ts';
import { folderConfigSchema, settingsSchema } from '../../src/contract/settings.ts';

describe('a change of what is set', () => {
  test('of settings holds only the sections that were named', () => {
    const parse = (change: object) => commands['settings.set'].input.parse(change);
    expect(parse({})).toEqual({});
    expect(parse({ startAtLogin: true })).toEqual({ startAtLogin: true });
    expect(parse({ notifications: { needsYou: false, folderSaved: true } })).toEqual({
      notifications: { needsYou: false, folderSaved: true },
    });
  });

  test('of a folder holds only the parts that were named', () => {
    const parse = (change: object) => commands['folders.set'].input.parse({ folderId: 'f', change }).change;
    expect(parse({})).toEqual({});
    expect(parse({ deletes: 'keep' })).toEqual({ deletes: 'keep' });
    expect(parse({ rules: { patterns: ['*.tmp'] } })).toEqual({
      rules: { patterns: ['*.tmp'], followLinks: false, allowUnreadableNames: false },
    });
  });

  test('can name everything that there is', () => {
    expect(Object.keys(commands['settings.set'].input.shape).sort()).toEqual(
      Object.keys(settingsSchema.shape).sort(),
    );
    expect(Object.keys(commands['folders.set'].input.shape.change.shape).sort()).toEqual(
      Object.keys(folderConfigSchema.shape).sort(),
    );
  });
});

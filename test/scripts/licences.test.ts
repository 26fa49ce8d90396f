import { describe, expect, test } from 'vitest';

const MODULE = new URL('../../scripts/lib/licences.mjs', import.meta.url).href;
const { isAllowed, packagesIn } = (await import(MODULE)) as {
  isAllowed(expression: string): boolean;
  packagesIn(notices: string): ReadonlyArray<{ name: string; version: string; licence: string }>;
};

describe('licences of what is handed on', () => {
  test.each(['MIT', 'Apache-2.0', '(MIT OR GPL-3.0-only)', 'MIT AND ISC', 'GPL-2.0 OR MIT AND ISC'])(
    '%s will do',
    (text) => {
      expect(isAllowed(text)).toBe(true);
    },
  );

  test.each([
    'GPL-3.0-only',
    'MIT AND GPL-2.0',
    'UNLICENSED',
    'see below',
    '',
    '(MIT OR X) AND (GPL)',
    'LGPL-2.1',
  ])('"%s" will not', (text) => {
    expect(isAllowed(text)).toBe(false);
  });

  test('are read from the headings of the notices, and not from their texts', () => {
    const line = '-'.repeat(80);
    const notices = `Keepsync contains the following packages.\n\n${line}\na 1.0.0 (MIT)\n\na copy 1 (GPL)\n${line}\n@b/c 2.0.0-rc.1 (MIT OR X)\n`;
    expect(packagesIn(notices)).toEqual([
      { name: 'a', version: '1.0.0', licence: 'MIT' },
      { name: '@b/c', version: '2.0.0-rc.1', licence: 'MIT OR X' },
    ]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ensureInside,
  foldedName,
  fromWindowsName,
  isWindowsName,
  nameProblem,
  safeJoin,
  toWindowsName,
} from '../../src/local/portable-names.ts';

/** Characters above U+0020 for which Python 3.11 says `str.isspace()`. */
const PYTHON_SPACES = [
  0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a,
  0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
];

describe('names for Arvados', () => {
  it('holds back exactly the spaces at which the SDK splits a manifest', () => {
    const found: number[] = [];
    for (let code = 1; code < 0x11000; code++) {
      const isSurrogate = code >= 0xd800 && code < 0xe000;
      if (
        !isSurrogate &&
        code !== 0x2f &&
        nameProblem(`a${String.fromCodePoint(code)}b`, false) !== undefined
      ) {
        found.push(code);
      }
    }
    expect(found).toEqual(PYTHON_SPACES);
    expect(nameProblem('a\u00a0b', false)).toMatchObject({ overridable: true });
  });

  it.each(['', '.', '..', 'a/b', 'a\0b', 'a\ud800b'])('cannot hold %j at all', (name) => {
    expect(nameProblem(name, false)).toMatchObject({ overridable: false });
  });

  it('cannot hold a folder that starts with a line of dots, but can hold such a file', () => {
    expect(nameProblem('.\nfoo', true)).toMatchObject({ overridable: false });
    expect(nameProblem('..\nfoo', true)).toMatchObject({ overridable: false });
    expect(nameProblem('.\nfoo', false)).toBeUndefined();
    expect(nameProblem('.foo\n.', true)).toBeUndefined();
  });

  it.each(['...', '.hidden', 'a:b', 'a\\b', ' ', 'a\nb', '\u007f', '~', 'e\u0301', '😀'])(
    'holds %j',
    (name) => {
      expect(nameProblem(name, true)).toBeUndefined();
    },
  );
});

describe('names for Windows', () => {
  it.each([
    ['a:b', 'a%3Ab'],
    ['a\\b', 'a%5Cb'],
    ['what?', 'what%3F'],
    ['dot.', 'dot%2E'],
    ['space ', 'space%20'],
    ['CON', '%43ON'],
    ['nul.txt', '%6Eul.txt'],
    ['com1', '%63om1'],
    ['tab\there', 'tab%09here'],
    ['100%', '100%'],
    ['100%25', '100%2525'],
    ['console', 'console'],
    ['a.b c', 'a.b c'],
  ])('maps %j to %j', (name, mapped) => {
    expect(toWindowsName(name)).toBe(mapped);
    expect(fromWindowsName(mapped)).toBe(name);
  });

  it('maps every name to one that Windows holds, and back', () => {
    const awkward = fc.constantFrom(
      ...['%', '%2', '%41', ':', '?', '.', ' ', 'con', 'AUX', '\\', '\u0001', 'a', '2', 'F', 'é', '😀'],
    );
    const name = fc.array(awkward, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(name, (original) => {
        const mapped = toWindowsName(original);
        expect(isWindowsName(mapped)).toBe(true);
        expect(fromWindowsName(mapped)).toBe(original);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves names alone that Windows can hold', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), (name) => {
        fc.pre(isWindowsName(name) && !name.includes('%'));
        expect(toWindowsName(name)).toBe(name);
      }),
    );
  });

  it('finds names that are one on a disk that folds case or Unicode forms', () => {
    expect(foldedName('E\u0301TE')).toBe(foldedName('\u00e9te'));
    expect(foldedName('a')).not.toBe(foldedName('b'));
  });
});

describe('where a file of a collection goes', () => {
  it.each(['/etc/passwd', '../x', 'a/../../x', 'a//b', '', '.', 'a/.', 'a\0b', 'a/'])(
    'refuses %j',
    (path) => {
      expect(() => safeJoin('/target', path)).toThrowError(expect.objectContaining({ code: 'BAD_NAME' }));
    },
  );

  it('takes backslashes and drive letters for the ordinary names they are', () => {
    expect(safeJoin('/target', 'a\\..\\b/C:', 'linux')).toBe('/target/a\\..\\b/C:');
  });

  it('robs them of their meaning on Windows', () => {
    expect(safeJoin('/target', 'C:/..\\x/nul', 'win32')).toBe('/target/C%3A/..%5Cx/%6Eul');
  });

  it('stays inside, whatever the path', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', '/', '\\', '\0'), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        let joined: string;
        try {
          joined = safeJoin('/target', parts.join('/'));
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'BAD_NAME' });
          return;
        }
        expect(joined.startsWith('/target/')).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('folders on the way', () => {
  let target = '';
  beforeEach(() => {
    target = mkdtempSync(join(tmpdir(), 'keepsync-get-'));
  });
  afterEach(() => rmSync(target, { recursive: true, force: true }));

  it('may be there or not', async () => {
    mkdirSync(join(target, 'a/b'), { recursive: true });
    await expect(ensureInside(target, join(target, 'a/b/file'))).resolves.toBeUndefined();
    await expect(ensureInside(`${target}/`, join(target, 'new/b/file'))).resolves.toBeUndefined();
  });

  it('must not be links', async () => {
    mkdirSync(join(target, 'a'));
    symlinkSync('/tmp', join(target, 'a/out'));
    await expect(ensureInside(target, join(target, 'a/out/file'))).rejects.toMatchObject({
      code: 'BAD_NAME',
    });
  });

  it('must not be files', async () => {
    writeFileSync(join(target, 'a'), '');
    await expect(ensureInside(target, join(target, 'a/file'))).rejects.toMatchObject({ code: 'BAD_NAME' });
  });

  it('must be below the target', async () => {
    await expect(ensureInside(target, `${target}-other/file`)).rejects.toMatchObject({ code: 'BAD_NAME' });
    await expect(ensureInside(target, join(target, '../x'))).rejects.toMatchObject({ code: 'BAD_NAME' });
  });
});

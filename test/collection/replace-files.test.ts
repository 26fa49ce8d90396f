import { expect, test } from 'vitest';
import { applyReplaceFiles } from '../../src/collection/replace-files.ts';

const ONE = 'f97c5d29941bfb1b2fdab0874906ab82+3';
const TWO = 'b8a9f715dbb64fd5c56e7783c6820a61+3';
const CURRENT = `. ${ONE} 0:3:top\n./d ${ONE} 0:3:a 0:3:b\n./d/deep ${ONE} 0:3:c\n./e d41d8cd98f00b204e9800998ecf8427e+0 0:0:\\056\n`;

const apply = (replaceFiles: Record<string, string>, offered = '') =>
  applyReplaceFiles(CURRENT, offered, replaceFiles)
    .split('\n')
    .filter((line) => line !== '');

test('a new file comes from the manifest that is offered, the rest stays', () => {
  const lines = apply({ '/d/new': 'manifest_text/d/new' }, `./d ${TWO} 0:3:new\n`);
  expect(lines).toHaveLength(4);
  expect(lines[1]).toMatch(/^\.\/d .*0:3:a 0:3:b 3:3:new$/);
});

test('a folder is moved with all that is in it', () => {
  const lines = apply({ '/moved': 'current/d', '/d': '' });
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['.', './e', './moved', './moved/deep']);
});

test('two files change places', () => {
  const swapped = applyReplaceFiles(`. ${ONE} 0:3:a\n./d ${TWO} 0:3:b\n`, '', {
    '/a': 'current/d/b',
    '/d/b': 'current/a',
  });
  expect(swapped).toBe(`. ${TWO} 0:3:a\n./d ${ONE} 0:3:b\n`);
});

test('an empty folder goes when something is in it', () => {
  const lines = apply({ '/e/f/g': 'manifest_text/g' }, `. ${TWO} 0:3:g\n`);
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['.', './d', './d/deep', './e/f']);
});

test('a folder that only begins like a name is another one', () => {
  expect(apply({ '/d/dee': '' })).toHaveLength(4);
  expect(apply({ '/d/deep': '' })).toHaveLength(3);
});

test('what is not there cannot be saved under another name', () => {
  expect(() => apply({ '/x': 'current/d/none' })).toThrow('There is no current/d/none to save as x');
});

test('nothing is put below a file', () => {
  expect(() => apply({ '/top/x': 'current/d/a' })).toThrow('top would be a file and a folder');
});

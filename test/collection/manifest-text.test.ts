import { describe, expect, test } from 'vitest';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import { ManifestError } from '../../src/collection/manifest-scan.ts';
import {
  hashOfStripped,
  parseManifest,
  portableDataHash,
  stripManifest,
  validateManifest,
} from '../../src/collection/manifest-text.ts';
import { escapeName, unescapeName } from '../../src/collection/name-escape.ts';

const A = `${'a'.repeat(32)}+4`;
const B = `${'b'.repeat(32)}+6`;
const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';
const SIGNED = `${A}+Z9+A${'1'.repeat(40)}@5f612ee6+K@zzzzz`;
const normalized = (manifest: string, strip = false) => [...normalizeManifest(manifest, { strip })].join('');

describe('names in a manifest', () => {
  test('have bytes up to 0x20, colon and backslash escaped, and nothing else', () => {
    expect(escapeName('a b:c\\d\n\t\0\x7fé\u3000𝄞')).toBe('a\\040b\\072c\\134d\\012\\011\\000\x7fé\u3000𝄞');
  });

  test('are decoded from bytes, not from code points', () => {
    expect(unescapeName('caf\\303\\251\\040\\360\\235\\204\\236x')).toBe('café 𝄞x');
  });

  test('keep bytes that are no text, so that two names stay two', () => {
    for (const token of [
      '\\377',
      '\\303x',
      '\\303\\050',
      '\\200\\303\\251',
      '\\355\\240\\200',
      '\\370\\200',
    ]) {
      const name = unescapeName(token);
      expect(unescapeName(escapeName(name)), token).toBe(name);
      expect(name).not.toContain('\ufffd');
    }
    expect(escapeName(unescapeName('\\377'))).toBe('\\377');
  });
});

describe('reading a manifest', () => {
  test('gives line after line, names unescaped', () => {
    const manifest = `. ${SIGNED} ${B} 0:3:a\\040b 3:7:c:d 0:0:e\n./x/y\\072z ${EMPTY} 0:0:\\056\n`;
    expect([...parseManifest(manifest)]).toEqual([
      {
        lineNumber: 1,
        path: '',
        locators: [SIGNED, B],
        starts: [0, 4, 10],
        files: [
          { name: 'a b', position: 0, sizeBytes: 3 },
          { name: 'c:d', position: 3, sizeBytes: 7 },
          { name: 'e', position: 0, sizeBytes: 0 },
        ],
        emptyDirs: [],
      },
      { lineNumber: 2, path: 'x/y:z', locators: [EMPTY], starts: [0, 0], files: [], emptyDirs: ['x/y:z'] },
    ]);
    expect([...parseManifest('')]).toEqual([]);
  });

  test.each([
    ['a locator with any hints, a bare one-letter hint too', `. ${A}+Z+A1@2+Kx_-@ 0:1:a\n`],
    ['a name with a slash', `. ${A} 0:1:dir/a\n`],
    ['an empty folder in the old spelling, and in a subfolder', `./d ${EMPTY} 0:0:. 0:0:sub/\\056\n`],
    ['an empty file anywhere', `. ${A} 9:0:a\n`],
    ['the top in octal', `\\056 ${A} 0:1:a\n`],
    ['names that look odd', `./... ${A} 0:1:.a 0:1:a. 0:1:..a 0:1::: 0:1:\x7f 0:1:\\000\n`],
  ])('takes %s', (_what, manifest) => {
    expect(() => validateManifest(manifest)).not.toThrow();
  });

  test.each([
    ['no line break at the end', `. ${A} 0:1:a`, 1, `. ${A} 0:1:a`],
    ['an empty line', `. ${A} 0:1:a\n\n`, 2, ''],
    ['a stream that is not below the top', `x ${A} 0:1:a\n`, 1, 'x'],
    ['a stream without a name', `./ ${A} 0:1:a\n`, 1, './'],
    ['a stream with an empty part', `./a//b ${A} 0:1:a\n`, 1, './a//b'],
    ['a way up', `./a/.. ${A} 0:1:a\n`, 1, './a/..'],
    ['a way up in octal', `./\\056\\056 ${A} 0:1:a\n`, 1, './\\056\\056'],
    ['a way up in a name', `. ${A} 0:1:../a\n`, 1, '0:1:../a'.slice(4)],
    ['a file called .', `. ${A} 0:1:.\n`, 1, '.'],
    ['no locator', '. 0:1:a\n', 1, '0:1:a'],
    ['nothing after the stream', '.\n', 1, ''],
    ['no file', `. ${A}\n`, 1, ''],
    ['a locator without a size', `. ${'a'.repeat(32)} 0:1:a\n`, 1, 'a'.repeat(32)],
    ['a locator in capitals', `. ${A.toUpperCase()} 0:1:a\n`, 1, A.toUpperCase()],
    ['a locator after a file', `. ${A} 0:1:a ${B}\n`, 1, B],
    ['two spaces', `. ${A}  0:1:a\n`, 1, ''],
    ['a space at the end', `. ${A} 0:1:a \n`, 1, ''],
    ['a file without a name', `. ${A} 0:1:\n`, 1, '0:1:'],
    ['a file without a size', `. ${A} 0:a\n`, 1, '0:a'],
    ['a negative position', `. ${A} -1:1:a\n`, 1, '-1:1:a'],
    ['a file that reaches past its blocks', `. ${A} 1:4:a\n`, 1, '1:4:a'],
    ['a doubled backslash', `. ${A} 0:1:a\\\\b\n`, 1, 'a\\\\b'],
    ['an escape above 377', `. ${A} 0:1:a\\400\n`, 1, 'a\\400'],
    ['a cut escape', `. ${A} 0:1:a\\04\n`, 1, 'a\\04'],
  ])('refuses %s, and says where', (_what, manifest, lineNumber, token) => {
    const refused = () => validateManifest(manifest);
    expect(refused).toThrowError(ManifestError);
    expect(refused).toThrowError(expect.objectContaining({ code: 'BAD_ANSWER', lineNumber, token }));
    expect(() => [...parseManifest(manifest)]).toThrowError(ManifestError);
    expect(() => normalized(manifest)).toThrowError(ManifestError);
  });
});

describe('the portable data hash', () => {
  test('leaves out every hint but the size, and nothing that only looks like one', () => {
    const text = `. ${SIGNED} ${B}+R12345-abc@1 0:4:x+A1 4:6:y\n`;
    expect(stripManifest(text)).toBe(`. ${A} ${B} 0:4:x+A1 4:6:y\n`);
    expect(portableDataHash(text)).toBe(portableDataHash(stripManifest(text)));
  });

  test('counts bytes, not characters, also where a large text is hashed in pieces', () => {
    const name = '𝄞'.repeat(400_001);
    const text = `. ${A} 0:1:x${name}\n`;
    const expected = portableDataHash(text);
    expect(expected.split('+')[1]).toBe(String(Buffer.byteLength(text)));
    expect(hashOfStripped([text.slice(0, 7), text.slice(7)])).toBe(expected);
  });
});

describe('a normalised manifest', () => {
  test('has one line a folder, depth first, names by code point', () => {
    const manifest = [
      `./dir.x ${A} 0:1:q\n`,
      `. ${B} 0:1:\u{1f600} 0:1:\ue000 0:1:z 0:1:B 0:1:dir/inner\n`,
      `./dir ${A} 0:1:a\n`,
      `./e ${EMPTY} 0:0:\\056\n`,
      `./dir/e2 ${EMPTY} 0:0:.\n`,
    ].join('');
    expect(normalized(manifest)).toBe(
      [
        `. ${B} 0:1:B 0:1:z 0:1:\ue000 0:1:\u{1f600}\n`,
        `./dir ${A} ${B} 0:1:a 4:1:inner\n`,
        `./dir/e2 ${EMPTY} 0:0:\\056\n`,
        `./dir.x ${A} 0:1:q\n`,
        `./e ${EMPTY} 0:0:\\056\n`,
      ].join(''),
    );
  });

  test('joins a path that comes again, and pieces that go on', () => {
    const manifest = `. ${A} 0:2:f 2:2:f\n. ${B} 0:6:f\n./s ${B} 0:1:x\n. ${A} 1:1:f\n`;
    expect(normalized(manifest)).toBe(`. ${A} ${B} 0:10:f 1:1:f\n./s ${B} 0:1:x\n`);
  });

  test('names a block once whatever its signatures, and only blocks that are used', () => {
    const other = `${A}+A${'2'.repeat(40)}@5f612ee6`;
    const manifest = `. ${B} ${SIGNED} 6:2:a 6:0:e\n. ${other} 2:2:b\n`;
    expect(normalized(manifest)).toBe(`. ${SIGNED} 0:2:a 2:2:b 0:0:e\n`);
    expect(normalized(manifest, true)).toBe(`. ${A} 0:2:a 2:2:b 0:0:e\n`);
  });

  test('takes a signed locator where a block comes signed and unsigned, whichever was first', () => {
    const signed = `${A}+A${'1'.repeat(40)}@5f612ee6`;
    expect(normalized(`. ${A} 0:1:a\n. ${signed} 0:1:b\n`)).toBe(`. ${signed} 0:1:a 0:1:b\n`);
    expect(normalized(`. ${signed} 0:1:a\n. ${A} 0:1:b\n`)).toBe(`. ${signed} 0:1:a 0:1:b\n`);
  });

  test('writes no hint of one letter, which the Python SDK cannot read', () => {
    expect(normalized(`. ${A}+Z+Kab 0:1:a\n`)).toBe(`. ${A}+Kab 0:1:a\n`);
  });

  test('gives a folder of empty files the empty block, and forgets the mark of a folder that is not empty', () => {
    expect(normalized(`./d ${EMPTY} 0:0:\\056 0:0:a\n./e ${A} 0:0:\\056 0:0:f/\\056\n`)).toBe(
      `./d ${EMPTY} 0:0:a\n./e/f ${EMPTY} 0:0:\\056\n`,
    );
  });

  test('of nothing is nothing', () => {
    expect(normalized('')).toBe('');
    expect(normalized(`. ${EMPTY} 0:0:.\n`)).toBe('');
  });
});

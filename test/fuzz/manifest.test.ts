import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentBelow, type ManifestContent } from '../../src/cli/collection-path.ts';
import { planBlocks, planGet } from '../../src/cli/get/get-plan.ts';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import { parseManifest, portableDataHash, validateManifest } from '../../src/collection/manifest-text.ts';
import { damagedText, poisonedText, refusal, resultOrRefusal, tries } from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

const MD5 = 'acbd18db4cc2f85cedef654fccc4a4d8';
const locator = fc
  .tuple(
    fc.constantFrom(MD5, 'd41d8cd98f00b204e9800998ecf8427e', MD5.toUpperCase(), 'zz', ''),
    fc.constantFrom(
      '3',
      '0',
      '67108864',
      '67108865',
      '9007199254740993',
      '9999999999999999',
      '99999999999999999',
      '',
    ),
    fc.constantFrom('', `+A${'5'.repeat(40)}@ffffffff`, '+Z', '+K@zzzzz', '+', '+A@', '+Rzzzzz-x'),
  )
  .map(([md5, size, hints]) => `${md5}+${size}${hints}`);
const fileToken = fc
  .tuple(
    fc.constantFrom('0', '1', '3', '00', '67108864', '9007199254740993', '9'.repeat(400), '-1', ''),
    fc.constantFrom('0', '1', '3', '9007199254740993', '9'.repeat(400), ''),
    poisonedText,
  )
  .map(([position, size, name]) => `${position}:${size}:${name}`);
const line = fc
  .tuple(
    fc.oneof(fc.constantFrom('.', './a', './a/b', '..', './..', '/', './\\056\\056'), poisonedText),
    fc.array(locator, { maxLength: 4 }),
    fc.array(fileToken, { maxLength: 4 }),
    fc.constantFrom('\n', '', '\r\n', ' \n'),
  )
  .map(([stream, locators, files, end]) => [stream, ...locators, ...files].join(' ') + end);
const madeUp = fc.array(line, { maxLength: 5 }).map((lines) => lines.join(''));
const good = fc.constantFrom(
  `. ${MD5}+3 0:3:a 0:1:b\\040c 0:0:e\n./d ${MD5}+3+A${'5'.repeat(40)}@ffffffff 1:2:x/y\n`,
  `. ${MD5}+67108864 38b18761d3d0c217371967a98d545c2e+10 0:67108874:big\n./e d41d8cd98f00b204e9800998ecf8427e+0 0:0:\\056\n`,
);
const manifest = fc.oneof(madeUp, damagedText(good), poisonedText);

/** What is in a collection as `get` sees it must be sound whatever the text was. */
function checkContent(content: ManifestContent): void {
  for (const file of content.files) {
    let end = 0;
    for (const segment of file.segments) {
      const blockBytes = Number(segment.locator.split('+')[1]);
      expect(segment.fileStart).toBe(end);
      expect(segment.length).toBeGreaterThan(0);
      expect(segment.offset).toBeGreaterThanOrEqual(0);
      expect(segment.offset + segment.length).toBeLessThanOrEqual(blockBytes);
      end += segment.length;
    }
    expect(file.sizeBytes).toBe(end);
  }
  for (const [platform, path] of [
    ['linux', posix],
    ['win32', win32],
  ] as const) {
    const top = platform === 'win32' ? 'C:\\out' : '/out';
    const plan = planGet({ content, strip: '', top, partsName: '.keepsync-get-x', platform });
    for (const place of [...plan.dirs, ...plan.files].map((one) => one.diskPath)) {
      const below = path.relative(top, path.resolve(place));
      expect(
        below === '' || below === '..' || below.startsWith(`..${path.sep}`) || path.isAbsolute(below),
        place,
      ).toBe(false);
      expect(place).not.toContain('\0');
      if (platform === 'win32') {
        expect(place.slice(2)).not.toMatch(/[<>:"|?*]/);
        expect(place.split('\\').slice(1)).not.toContainEqual(
          expect.stringMatching(/^(con|nul|aux|prn)(\.|$)/i),
        );
      }
    }
    expect(plan.files.length + plan.refused.length).toBeGreaterThanOrEqual(content.files.length);
    planBlocks(plan, [...plan.files.keys()]);
  }
}

describe(`a manifest of whatever text (seed ${SEED})`, { timeout: 600_000 }, () => {
  test('is read right or refused, and never leads out of a folder', () => {
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(manifest, (text) => {
        const lines = resultOrRefusal(() => [...parseManifest(text)]);
        const isValid =
          resultOrRefusal(() => {
            validateManifest(text);
            return true;
          }) === true;
        expect(isValid).toBe(lines !== undefined);
        expect(portableDataHash(text)).toMatch(/^[0-9a-f]{32}\+\d+$/);
        const content = resultOrRefusal(() => contentBelow(text, ''));
        if (content === undefined || !isValid) {
          seen.refused += 1;
          return;
        }
        seen.read += 1;
        checkContent(content);
        const normal = resultOrRefusal(() => [...normalizeManifest(text)].join(''));
        if (normal !== undefined) {
          validateManifest(normal);
        }
      }),
      { seed: SEED, numRuns: tries(3_000, 50_000) },
    );
    expect(seen.read).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });

  test('that unfolds into millions of pieces is refused before they are made', () => {
    const blocks = Array.from({ length: 4_000 }, (_, index) => `${index.toString(16).padStart(32, '0')}+1`);
    const files = Array.from({ length: 4_000 }, (_, index) => `0:4000:f${index}`);
    const bomb = `. ${blocks.join(' ')} ${files.join(' ')}\n`;
    expect(bomb.length).toBeLessThan(250_000);
    let error: unknown;
    try {
      contentBelow(bomb, '');
    } catch (thrown) {
      error = refusal(thrown);
    }
    expect(error).toMatchObject({ code: 'TOO_LARGE' });
  });
});

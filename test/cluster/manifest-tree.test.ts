import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takeManifest } from '../../src/cluster/manifest-intake.ts';
import { compareNames, escapeName, unescapeName } from '../../src/cluster/manifest-names.ts';
import { signManifest } from '../../src/cluster/manifest-signing.ts';
import { Folder } from '../../src/cluster/manifest-tree.ts';
import { md5, withoutSignatures } from '../support/cluster-client.ts';
import { SEED } from '../support/seed.ts';

/** Files as path to the numbers of single-byte blocks they consist of. */
type Files = ReadonlyMap<string, readonly number[]>;

const name = fc
  .string({
    unit: fc.constantFrom('a', 'b', ' ', ':', '\\', 'é', '\uffee', '\u{1f600}', '.', '\n'),
    minLength: 1,
    maxLength: 3,
  })
  // a folder may not be called . or .. on any of its lines
  .filter((text) => !/^\.\.?$/m.test(text));
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const files: fc.Arbitrary<Files> = fc
  .array(fc.tuple(path, fc.array(fc.nat(9), { maxLength: 4 })), { maxLength: 12 })
  .map((entries) => {
    const kept = new Map<string, readonly number[]>();
    for (const [at, blocks] of entries) {
      // no path may be both file and folder
      if (
        ![...kept.keys()].some(
          (other) => other === at || other.startsWith(`${at}/`) || at.startsWith(`${other}/`),
        )
      ) {
        kept.set(at, blocks);
      }
    }
    return kept;
  });

const blockOf = (number: number) => `${md5(String(number))}+1`;

/** One line per file, in the order given: legal, and as far from normal as can be. */
function ragged(content: Files): string {
  let text = '';
  for (const [at, blocks] of content) {
    const parts = at.split('/').map(escapeName);
    const file = parts.pop();
    const locators = blocks.length === 0 ? ['d41d8cd98f00b204e9800998ecf8427e+0'] : blocks.map(blockOf);
    text += `${['.', ...parts].join('/')} ${locators.join(' ')} 0:${blocks.length}:${file}\n`;
  }
  return text;
}

function filesOf(manifest: string): Files {
  const content = new Map<string, readonly number[]>();
  const numbers = new Map(Array.from({ length: 10 }, (_, number) => [blockOf(number), number]));
  for (const line of manifest.split('\n').slice(0, -1)) {
    const [stream = '', ...tokens] = line.split(' ');
    const blocks = tokens.filter((token) => numbers.has(token));
    for (const token of tokens) {
      const match = /^(\d+):(\d+):(.*)$/.exec(token);
      if (match) {
        const at = `${stream}/${match[3]}`.slice(2).split('/').map(unescapeName).join('/');
        const range = blocks.slice(Number(match[1]), Number(match[1]) + Number(match[2]));
        content.set(at, [...(content.get(at) ?? []), ...range.map((block) => numbers.get(block) ?? -1)]);
      }
    }
  }
  return content;
}

describe(`a manifest as a tree (seed ${SEED})`, () => {
  const check = (property: fc.IProperty<[Files]> | fc.IProperty<[Files, string]>) =>
    fc.assert(property as fc.IProperty<unknown[]>, { seed: SEED, numRuns: 300 });

  test('keeps every file whatever order its lines come in', () => {
    check(
      fc.property(files, (content) => {
        const taken = takeManifest(ragged(content), () => undefined);
        expect(taken.fileCount).toBe(content.size);
        const written = Folder.parse(taken.text, false).toManifest();
        expect(filesOf(written)).toEqual(new Map(content));
        expect(takeManifest(written, () => undefined)).toMatchObject({
          fileCount: content.size,
          fileSizeTotal: taken.fileSizeTotal,
          text: written,
        });
      }),
    );
  });

  test('writes the same again from what it wrote, read or not', () => {
    check(
      fc.property(files, (content) => {
        const once = Folder.parse(ragged(content), false).toManifest();
        expect(Folder.parse(once, true).toManifest()).toBe(once);
        expect(Folder.parse(once, false).toManifest()).toBe(once);
        const totals = Folder.parse(once, true).totals();
        expect(totals.files).toBe(content.size);
      }),
    );
  });

  test('changes a folder that was not read as one that was', () => {
    check(
      fc.property(files, path, (content, at) => {
        const once = Folder.parse(ragged(content), false).toManifest();
        const change = (root: Folder) => {
          const parts = at.split('/');
          const last = parts.pop() ?? '';
          let folder = root;
          for (const part of parts) {
            const child = folder.child(part);
            if (child !== undefined && !(child instanceof Folder)) {
              return root.toManifest();
            }
            folder = folder.ensureFolder(part);
          }
          folder.set(last, { spans: [{ locator: blockOf(3), blockBytes: 1, offset: 0, length: 1 }] });
          return root.toManifest();
        };
        expect(change(Folder.parse(once, true))).toBe(change(Folder.parse(once, false)));
      }),
    );
  });

  test('has its streams in the order of a walk by code point', () => {
    check(
      fc.property(files, (content) => {
        const written = Folder.parse(ragged(content), false).toManifest();
        const streams = written
          .split('\n')
          .slice(0, -1)
          .map((line) => (line.split(' ')[0] ?? '').split('/').map(unescapeName));
        const sorted = [...streams].sort((left, right) => {
          for (const [index, part] of left.entries()) {
            const order =
              index < right.length ? Buffer.compare(Buffer.from(part), Buffer.from(right[index] ?? '')) : 1;
            if (order !== 0) {
              return order;
            }
          }
          return left.length - right.length;
        });
        expect(streams).toEqual(sorted);
      }),
    );
  });
});

test('names sort as their UTF-8 bytes do', () => {
  const anyText = fc.string({ unit: 'grapheme', maxLength: 4 });
  fc.assert(
    fc.property(anyText, anyText, (left, right) => {
      expect(Math.sign(compareNames(left, right))).toBe(
        Buffer.compare(Buffer.from(left), Buffer.from(right)),
      );
    }),
    { seed: SEED },
  );
});

test('names survive escaping, and escapes are bytes of UTF-8', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text.isWellFormed()),
      (text) => {
        expect(unescapeName(escapeName(text))).toBe(text);
      },
    ),
    { seed: SEED },
  );
  expect(unescapeName('caf\\303\\251')).toBe('café');
});

describe('the worked examples of the Arvados SDKs', () => {
  const K = 'cca022a476fb4e8d2dd514a0f3f4be38+49';
  const E = 'd41d8cd98f00b204e9800998ecf8427e+0';
  const nested = [
    `. ${K} 37:4:a\\134b 0:6:z.txt`,
    `./dir ${K} 6:12:b\\040c.txt`,
    `./dir/e2 ${E} 0:0:\\056`,
    `./dir/sub ${K} 18:10:x`,
    `./dir.x ${K} 41:8:q`,
    `./dir2 ${K} 28:9:y\\0721`,
    `./empty\\040dir ${E} 0:0:\\056`,
    '',
  ].join('\n');

  test('have the hashes that they should, and stay as they are', () => {
    expect(takeManifest(nested, () => undefined)).toMatchObject({
      portableDataHash: 'f4eb13cff9c98740f19fcc8e326d0d42+390',
      fileCount: 6,
    });
    expect(Folder.parse(nested, false).toManifest()).toBe(nested);
  });

  test('are written as the Go SDK does where a block comes back', () => {
    const [a, b] = [`${'a'.repeat(32)}+4`, `${'b'.repeat(32)}+4`];
    const written = Folder.parse(`. ${a} ${b} 0:4:a 4:4:b 0:4:c\n`, false).toManifest();
    expect(written).toBe(`. ${a} ${b} ${a} 0:4:a 4:4:b 8:4:c\n`);
    expect(takeManifest(written, () => undefined).portableDataHash).toBe(
      '7226a949364aa89a2c89d78a1f288374+125',
    );
  });

  test('are signed at every block but the empty one, and nowhere else', () => {
    const tricky = `./${'0'.repeat(32)}+5 ${K} ${E} 0:6:${'1'.repeat(32)}+6 0:0:b\n`;
    const signed = signManifest(
      nested + tricky,
      { key: 'k'.repeat(40), ttlSeconds: 100 },
      'token',
      0x7000_0000,
    );
    expect(withoutSignatures(signed)).toBe(nested + tricky);
    expect(signed.match(/\+A[0-9a-f]{40}@70000000/g)).toHaveLength(6);
    expect(signed).not.toMatch(/\+0\+A/);
  });
});

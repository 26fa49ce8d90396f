import fc from 'fast-check';
import { expect } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { runs } from './seed.ts';

/** The only way in which something hostile may be refused: an error of ours, and not our bug. Anything else is thrown. */
export function refusal(thrown: unknown): KeepsyncError {
  if (thrown instanceof KeepsyncError && thrown.code !== 'INTERNAL') {
    expect(thrown.message.length).toBeLessThan(1_000);
    return thrown;
  }
  throw thrown;
}

/** What `work` gives; undefined where it was refused in the one way that is allowed. */
export function resultOrRefusal<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    refusal(thrown);
    return undefined;
  }
}

export async function resultOrRefusalOf<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    refusal(thrown);
    return undefined;
  }
}

/** How many inputs are tried: as many as KEEPSYNC_RUNS says, twenty times the usual in the long run, and never more than `most`. */
export const tries = (usual: number, most: number): number =>
  Math.min(most, process.env.KEEPSYNC_LONG === '1' ? usual * 20 : runs(usual));

const POISON = [
  ...[
    '\0',
    '\n',
    '\r',
    '\t',
    ' ',
    '  ',
    '/',
    '//',
    '\\',
    '\\\\',
    '\\056\\056',
    '\\000',
    '\\057',
    '\\377',
    '\\400',
  ],
  ...[
    '..',
    '.',
    '../',
    './',
    ':',
    '0:0:',
    '1:2:',
    '99999999999999999999',
    '-1',
    '1e9',
    '0x10',
    '+',
    '+A',
    '@',
  ],
  ...['\u00a0', '\u3000', '\u2028', '\ufeff', '\ud800', '\udfff', '\u202e', '😀', 'é', 'e\u0301'],
  ...['C:', 'C:\\', '\\\\?\\', 'NUL', 'con.txt', 'aux', '~', '$HOME', '`', '%00', '%2e%2e%2f', '<script>'],
  ...['__proto__', 'constructor', 'null', 'true', '{}', '[]', '"', "'"],
] as const;

/** Text with what parsers stumble over. */
export const poisonedText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...POISON),
      fc.string({ maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

/** Any JSON, with keys and texts that mean something to somebody. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, -0, '', 'all'),
    poisonedText,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom('items', 'uuid', '__proto__', 'constructor', 'length'), poisonedText),
      tie('value'),
      {
        maxKeys: 5,
      },
    ),
  ),
})).value;

/** A text with some of its characters replaced, taken out or doubled. */
export const damagedText = (good: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      good,
      fc.array(
        fc.tuple(fc.nat(), fc.constantFrom('cut', 'put', 'double', 'end'), fc.constantFrom(...POISON)),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    )
    .map(([text, changes]) => {
      let result = text;
      for (const [place, how, poison] of changes) {
        const at = result.length === 0 ? 0 : place % result.length;
        const [before, after] = [result.slice(0, at), result.slice(at)];
        result = {
          cut: before + after.slice(1 + (place % 5)),
          put: before + poison + after,
          double: before + after.slice(0, 7) + after,
          end: before,
        }[how];
      }
      return result;
    });

/** JSON with one value somewhere in it replaced by another. */
export const damagedJson = (good: unknown): fc.Arbitrary<unknown> =>
  fc.tuple(fc.nat(), hostileJson, fc.boolean()).map(([place, bad, removes]) => {
    const copy = structuredClone(good);
    const places: Array<{ readonly parent: Record<string, unknown>; readonly key: string }> = [];
    const visit = (value: unknown) => {
      if (typeof value === 'object' && value !== null) {
        for (const [key, inner] of Object.entries(value)) {
          places.push({ parent: value as Record<string, unknown>, key });
          visit(inner);
        }
      }
    };
    visit(copy);
    const chosen = places[place % places.length];
    if (chosen === undefined) {
      return bad;
    }
    if (removes) {
      delete chosen.parent[chosen.key];
    } else {
      chosen.parent[chosen.key] = bad;
    }
    return copy;
  });

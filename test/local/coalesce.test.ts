import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coalescePaths, PathCollector } from '../../src/local/coalesce.ts';
import { collectionPathsOf, isAtOrBelow } from '../../src/local/tree-roots.ts';

const rules = (maxPaths: number, roots = ['/r']) => ({ separator: '/', maxPaths, roots });

describe('merging paths', () => {
  it('drops duplicates and what lies below another path', () => {
    const paths = ['/r/a/b', '/r/a', '/r/a-b', '/r/a', '/r/a/c/d'];
    expect(coalescePaths(paths, rules(10))).toEqual(['/r/a', '/r/a-b']);
  });

  it('lets the deepest give way to their folders while there are too many', () => {
    const paths = ['/r/x/1', '/r/x/2', '/r/x/3', '/r/y'];
    expect(coalescePaths(paths, rules(2))).toEqual(['/r/x', '/r/y']);
  });

  it('ends at the root', () => {
    const paths = Array.from({ length: 50 }, (_, index) => `/r/f${index}`);
    expect(coalescePaths(paths, rules(10))).toEqual(['/r']);
  });

  it('works with Windows separators', () => {
    const windows = { separator: '\\', maxPaths: 1, roots: ['C:\\data'] };
    expect(coalescePaths(['C:\\data\\a\\1', 'C:\\data\\a\\2'], windows)).toEqual(['C:\\data\\a']);
  });

  it('covers every path, stays within its bounds, and nothing lies inside something else', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'a-', 'a.b');
    const path = fc.array(name, { maxLength: 5 }).map((parts) => ['/r', ...parts].join('/'));
    fc.assert(
      fc.property(fc.array(path, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (paths, maxPaths) => {
        const merged = coalescePaths(paths, rules(maxPaths));
        const collector = new PathCollector(rules(maxPaths));
        for (const one of paths) {
          collector.add(one);
        }
        const collected = collector.take();
        for (const result of [merged, collected]) {
          expect(result.length).toBeLessThanOrEqual(maxPaths);
          expect(paths.every((one) => result.some((root) => isAtOrBelow(one, root, '/')))).toBe(true);
          expect(
            result.some((one) => result.some((root) => root !== one && isAtOrBelow(one, root, '/'))),
          ).toBe(false);
        }
        expect(collector.isEmpty).toBe(true);
        expect(collector.take()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the collection paths of a disk path', () => {
  const roots = [
    { diskPath: '/home/a', prefix: '' },
    { diskPath: '/home/b', prefix: 'x/y' },
    { diskPath: '/home/a/inner', prefix: 'z' },
  ];

  it.each([
    ['/home/a', ['', 'z']],
    ['/home/a/f', ['f']],
    ['/home/b/d/f', ['x/y/d/f']],
    ['/home/a/inner/f', ['inner/f', 'z/f']],
    ['/home', ['', 'x/y', 'z']],
    ['/home/ab', []],
  ])('for %s', (diskPath, expected) => {
    expect(collectionPathsOf(roots, diskPath, '/')).toEqual(expected);
  });
});

import { dirname, isAbsolute, relative, sep } from 'node:path';
import type { TreeRoot } from '../local/ports.ts';

/** Where a path on disk is in the collection; '' for a root itself, undefined outside every root. */
export function pathInCollection(roots: readonly TreeRoot[], diskPath: string): string | undefined {
  for (const root of roots) {
    const inside = relative(root.diskPath, diskPath);
    if (inside === '') {
      return root.prefix;
    }
    if (!inside.startsWith(`..${sep}`) && inside !== '..' && !isAbsolute(inside)) {
      const path = inside.split(sep).join('/');
      return root.prefix === '' ? path : `${root.prefix}/${path}`;
    }
  }
  return undefined;
}

/** What Node puts for bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD';

/** The path as a watcher tells of it, up to a name that is not UTF-8: under that nothing is found, but its folder shows it. */
export function findablePath(diskPath: string): string {
  const at = diskPath.indexOf(REPLACEMENT);
  return at < 0 ? diskPath : dirname(diskPath.slice(0, at + 1));
}

/** The paths without those that lie below another one of them, in order. */
export function topmostPaths(paths: Iterable<string>): string[] {
  const all = new Set(paths);
  return [...all]
    .filter((path) => {
      for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
        if (all.has(path.slice(0, cut))) {
          return false;
        }
      }
      return true;
    })
    .sort();
}

import { KeepsyncError } from '../base/errors.ts';
import type { TreeRoot } from './ports.ts';

/** The place of roots in the collection: a node for every prefix and every folder above one. */
export interface RootNode {
  /** Roots that land right here, in the order given: a later one wins where both have a file. */
  readonly diskPaths: string[];
  readonly children: Map<string, RootNode>;
}

/** The tree of all prefixes. Throws USAGE for a prefix that is no clean relative path. */
export function plantRoots(roots: readonly TreeRoot[]): RootNode {
  const top: RootNode = { diskPaths: [], children: new Map() };
  for (const root of roots) {
    let node = top;
    for (const part of root.prefix === '' ? [] : root.prefix.split('/')) {
      if (part === '' || part === '.' || part === '..') {
        throw new KeepsyncError('USAGE', `${JSON.stringify(root.prefix)} is no path inside a collection`);
      }
      const child: RootNode = node.children.get(part) ?? { diskPaths: [], children: new Map() };
      node.children.set(part, child);
      node = child;
    }
    node.diskPaths.push(root.diskPath);
  }
  return top;
}

export function joinPath(dir: string, name: string): string {
  return dir === '' ? name : `${dir}/${name}`;
}

export function isAtOrBelow(path: string, root: string, separator: string): boolean {
  return path === root || path.startsWith(root.endsWith(separator) ? root : root + separator);
}

/**
 * The collection paths that a disk path stands for ('' is everything), for the `only` of a scan: usually one; several
 * where roots overlap; for a folder above roots, those roots.
 */
export function collectionPathsOf(
  roots: readonly TreeRoot[],
  diskPath: string,
  separator: string,
): readonly string[] {
  const paths = new Set<string>();
  for (const root of roots) {
    const base = root.diskPath.endsWith(separator) ? root.diskPath : root.diskPath + separator;
    if (diskPath === root.diskPath || base.startsWith(diskPath + separator)) {
      paths.add(root.prefix);
    } else if (diskPath.startsWith(base)) {
      paths.add(joinPath(root.prefix, diskPath.slice(base.length).split(separator).join('/')));
    }
  }
  return [...paths];
}

/** Which collection paths a scan looks at. */
export interface OnlyNode {
  /** Look at everything from here on. */
  all: boolean;
  readonly children: Map<string, OnlyNode>;
}

/**
 * `only` as a tree; undefined when it comes down to everything. A changed ignore file concerns the whole folder it lies
 * in.
 */
export function plantOnly(only: readonly string[] | undefined, ignoreFileName: string): OnlyNode | undefined {
  if (only === undefined) {
    return undefined;
  }
  const top: OnlyNode = { all: false, children: new Map() };
  for (const path of only) {
    let parts = path === '' ? [] : path.split('/');
    parts = parts.at(-1) === ignoreFileName ? parts.slice(0, -1) : parts;
    let node = top;
    for (const part of parts) {
      const child: OnlyNode = node.children.get(part) ?? { all: false, children: new Map() };
      node.children.set(part, child);
      node = child;
    }
    node.all = true;
  }
  return top.all ? undefined : top;
}

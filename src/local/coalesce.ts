import { isAtOrBelow } from './tree-roots.ts';

/** How paths are merged. */
export interface CoalesceRules {
  readonly separator: string;
  /** More paths than this become fewer, wider ones. */
  readonly maxPaths: number;
  /** Nothing is widened beyond these; with more of them than `maxPaths` they are the answer. */
  readonly roots: readonly string[];
}

/**
 * The fewest paths that stand for all of `paths`: duplicates vanish, a folder swallows what is below it, and while there
 * are more than `maxPaths`, the deepest give way to the folders they lie in, in the end to the roots.
 */
export function coalescePaths(paths: Iterable<string>, rules: CoalesceRules): string[] {
  let kept = swallow(new Set(paths), rules.separator);
  const roots = new Set(rules.roots);
  while (kept.size > rules.maxPaths) {
    const wider = widenDeepest(kept, roots, rules);
    if (wider === undefined) {
      return [...roots];
    }
    kept = swallow(wider, rules.separator);
  }
  return [...kept].sort();
}

/** Collects hints between two deliveries; holds a bounded number of paths, whatever comes in. */
export class PathCollector {
  readonly #rules: CoalesceRules;
  #paths = new Set<string>();

  constructor(rules: CoalesceRules) {
    this.#rules = rules;
  }

  get isEmpty(): boolean {
    return this.#paths.size === 0;
  }

  add(path: string): void {
    this.#paths.add(path);
    // Twice the limit, so that the merging is paid for by as many additions.
    if (this.#paths.size > 2 * this.#rules.maxPaths) {
      this.#paths = new Set(coalescePaths(this.#paths, this.#rules));
    }
  }

  /** What was collected, merged; the collector is empty afterwards. */
  take(): string[] {
    const paths = coalescePaths(this.#paths, this.#rules);
    this.#paths = new Set();
    return paths;
  }
}

function swallow(paths: ReadonlySet<string>, separator: string): Set<string> {
  const kept = new Set<string>();
  for (const path of paths) {
    let above = parentOf(path, separator);
    while (above !== undefined && !paths.has(above)) {
      above = parentOf(above, separator);
    }
    if (above === undefined) {
      kept.add(path);
    }
  }
  return kept;
}

/** The deepest paths replaced by their folders; undefined when nothing can be widened any more. */
function widenDeepest(
  paths: ReadonlySet<string>,
  roots: ReadonlySet<string>,
  { separator }: CoalesceRules,
): Set<string> | undefined {
  const depthOf = (path: string) => path.split(separator).length;
  const movable = [...paths].filter(
    (path) => !roots.has(path) && [...roots].some((root) => isAtOrBelow(path, root, separator)),
  );
  if (movable.length === 0) {
    return undefined;
  }
  const deepest = movable.reduce((depth, path) => Math.max(depth, depthOf(path)), 0);
  const wider = new Set(paths);
  for (const path of movable) {
    const parent = parentOf(path, separator);
    if (depthOf(path) === deepest && parent !== undefined) {
      wider.delete(path);
      wider.add(parent);
    }
  }
  return wider;
}

function parentOf(path: string, separator: string): string | undefined {
  const end = path.lastIndexOf(separator);
  if (end > 0) {
    return path.slice(0, end);
  }
  return end === 0 && path.length > separator.length ? separator : undefined;
}

import type { BlockRange } from './segments.ts';
import { emptyDirLine, StreamText, type StreamTextOptions } from './stream-text.ts';

/** What goes into a manifest: a file with its pieces, or a directory with nothing in it. */
export type ManifestEntry =
  | { readonly path: string; readonly segments: readonly BlockRange[] }
  | { readonly path: string; readonly emptyDir: true };

/**
 * A manifest from entries that come directory by directory; it holds one directory at a time, never the tree. Paths are
 * `a/b` and are not checked. The text is normalised if the entries come in the order of `comparePaths` for directories
 * and of `compareNames` in each; in any other order it is a manifest all the same, as long as no path comes twice.
 *
 * Yields pieces of text, lines and parts of lines; together they are the manifest.
 */
export function* manifestChunks(
  entries: Iterable<ManifestEntry>,
  options: StreamTextOptions = {},
): Generator<string> {
  let dir: string | undefined;
  let line: StreamText | undefined;
  for (const entry of entries) {
    if ('emptyDir' in entry) {
      if (line !== undefined) {
        yield* line.chunks();
      }
      line = undefined;
      dir = undefined;
      yield emptyDirLine(entry.path);
      continue;
    }
    const slash = entry.path.lastIndexOf('/');
    const entryDir = slash < 0 ? '' : entry.path.slice(0, slash);
    if (line === undefined || dir !== entryDir) {
      if (line !== undefined) {
        yield* line.chunks();
      }
      dir = entryDir;
      line = new StreamText(entryDir, options);
    }
    line.addFile(entry.path.slice(slash + 1), entry.segments);
  }
  if (line !== undefined) {
    yield* line.chunks();
  }
}

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
  const lines = new ManifestLines(options);
  for (const entry of entries) {
    yield* lines.add(entry);
  }
  yield* lines.end();
}

/** `manifestChunks` in steps, for those whose entries come one by one: each step yields the text that is finished by it. */
export class ManifestLines {
  readonly #options: StreamTextOptions;
  #dir: string | undefined;
  #line: StreamText | undefined;

  constructor(options: StreamTextOptions = {}) {
    this.#options = options;
  }

  *add(entry: ManifestEntry): Generator<string> {
    if ('emptyDir' in entry) {
      yield* this.end();
      yield emptyDirLine(entry.path);
      return;
    }
    const slash = entry.path.lastIndexOf('/');
    const dir = slash < 0 ? '' : entry.path.slice(0, slash);
    if (this.#line === undefined || this.#dir !== dir) {
      yield* this.end();
      this.#dir = dir;
      this.#line = new StreamText(dir, this.#options);
    }
    this.#line.addFile(entry.path.slice(slash + 1), entry.segments);
  }

  *end(): Generator<string> {
    const line = this.#line;
    this.#line = undefined;
    if (line !== undefined) {
      yield* line.chunks();
    }
  }
}

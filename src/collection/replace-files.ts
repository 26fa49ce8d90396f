import { KeepsyncError } from '../base/errors.ts';
import { joined, scanManifest } from './manifest-scan.ts';
import { type ManifestEntry, manifestChunks } from './manifest-writer.ts';
import type { BlockRange } from './segments.ts';
import { streamRanges } from './stream-ranges.ts';

/** Pieces by path; the path of an empty folder ends in '/'. */
type Paths = Map<string, BlockRange[]>;

/**
 * What the API's `replace_files` does, done here, for clusters that are older than it (before Arvados 3.0): the text of
 * `current` with each target replaced by its source, '' for deleting, `manifest_text/PATH` of `offered` or
 * `current/PATH` as it was before any change. Throws NOT_FOUND for a source that is not there, REFUSED where a file
 * would be a folder too.
 */
export function applyReplaceFiles(
  current: string,
  offered: string,
  replaceFiles: Readonly<Record<string, string>>,
): string {
  const before = treeOf(current);
  const given = treeOf(offered);
  const after: Paths = new Map(before.paths);
  const replacements = Object.entries(replaceFiles);
  for (const [target] of replacements) {
    for (const path of at(before, target.slice(1))) {
      after.delete(path);
    }
  }
  for (const [target, source] of replacements) {
    if (source !== '') {
      place(after, target.slice(1), source, before, given);
    }
  }
  dropFilledFolders(after);
  return [...manifestChunks(entriesOf(after))].join('');
}

/** A manifest's files, and all folders that they are in. */
interface Tree {
  readonly paths: Paths;
  readonly folders: ReadonlySet<string>;
}

function treeOf(manifest: string): Tree {
  const paths: Paths = new Map();
  scanManifest(manifest, {
    stream: () => undefined,
    file: (stream, name, position, sizeBytes) => {
      const path = joined(stream.path, name);
      const ranges = streamRanges(stream, [{ position, sizeBytes }]);
      paths.set(path, [...(paths.get(path) ?? []), ...ranges]);
    },
    emptyDir: (_stream, path) => paths.set(`${path}/`, []),
  });
  return { paths, folders: foldersOf(paths.keys()) };
}

/** The paths of the tree at or below `path`; '' is the top. */
function at({ paths, folders }: Tree, path: string): string[] {
  if (path === '') {
    return [...paths.keys()];
  }
  // A file, or nothing yet, is by far the most frequent case: no walk over everything for it.
  if (paths.has(path)) {
    return [path];
  }
  if (!folders.has(path)) {
    return [];
  }
  return [...paths.keys()].filter((other) => other.startsWith(`${path}/`));
}

function place(after: Paths, target: string, source: string, before: Tree, given: Tree): void {
  const slash = source.indexOf('/');
  const from = source.slice(slash + 1);
  const origin = source.slice(0, slash) === 'current' ? before : given;
  const found = at(origin, from);
  if (found.length === 0 && from !== '') {
    throw new KeepsyncError('NOT_FOUND', `There is no ${source} to save as ${target}`);
  }
  for (const path of found) {
    const rest = path.slice(from.length);
    after.set(target === '' ? rest : target + rest, origin.paths.get(path) ?? []);
  }
}

/** Whatever is before a slash. */
function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      folders.add(path.slice(0, cut));
    }
  }
  return folders;
}

/** A folder with something in it is no empty folder; a file with something in it cannot be. */
function dropFilledFolders(paths: Paths): void {
  const contents = [...paths.keys()].map((path) => (path.endsWith('/') ? path.slice(0, -1) : path));
  for (const folder of foldersOf(contents)) {
    paths.delete(`${folder}/`);
    if (paths.has(folder)) {
      throw new KeepsyncError('REFUSED', `${folder} would be a file and a folder`);
    }
  }
}

function* entriesOf(paths: Paths): Generator<ManifestEntry> {
  const sorted = [...paths.keys()].sort((a, b) =>
    dirOf(a) < dirOf(b) ? -1 : dirOf(a) > dirOf(b) ? 1 : a < b ? -1 : 1,
  );
  for (const path of sorted) {
    yield path.endsWith('/')
      ? { path: path.slice(0, -1), emptyDir: true }
      : { path, segments: paths.get(path) ?? [] };
  }
}

/** The stream that a path is named in; an empty folder has one of its own. */
function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

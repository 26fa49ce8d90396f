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
  const before = pathsOf(current);
  const given = pathsOf(offered);
  const after: Paths = new Map(before);
  const replacements = Object.entries(replaceFiles);
  for (const [target] of replacements) {
    for (const path of at(after, target.slice(1))) {
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

function pathsOf(manifest: string): Paths {
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
  return paths;
}

/** The paths of `paths` at or below `path`; '' is the top. */
function at(paths: Paths, path: string): string[] {
  if (path === '') {
    return [...paths.keys()];
  }
  // One file is by far the most frequent case: no walk over everything for it.
  if (paths.has(path)) {
    return [path];
  }
  return [...paths.keys()].filter((other) => other.startsWith(`${path}/`));
}

function place(after: Paths, target: string, source: string, before: Paths, given: Paths): void {
  const slash = source.indexOf('/');
  const from = source.slice(slash + 1);
  const origin = source.slice(0, slash) === 'current' ? before : given;
  const found = at(origin, from);
  if (found.length === 0 && from !== '') {
    throw new KeepsyncError('NOT_FOUND', `There is no ${source} to save as ${target}`);
  }
  for (const path of found) {
    const rest = path.slice(from.length);
    after.set(target === '' ? rest : target + rest, origin.get(path) ?? []);
  }
}

/** A folder with something in it is no empty folder; a file with something in it cannot be. */
function dropFilledFolders(paths: Paths): void {
  const folders = new Set<string>();
  for (const path of paths.keys()) {
    for (let cut = path.lastIndexOf('/', path.length - 2); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      folders.add(path.slice(0, cut));
    }
  }
  for (const folder of folders) {
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

function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);
}

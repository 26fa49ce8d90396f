import { joined, type ManifestStream, scanManifest } from './manifest-scan.ts';
import { comparePaths, sortedPlaces } from './name-order.ts';
import { eachRange } from './stream-ranges.ts';
import { emptyDirLine, StreamText, type StreamTextOptions } from './stream-text.ts';

/**
 * The files of one directory in columns: a million files as a million small objects each would not fit the memory that
 * this is allowed to take (1 GiB for a manifest of a million files).
 */
interface DirectoryColumns {
  readonly names: string[];
  readonly streams: ManifestStream[];
  readonly positions: number[];
  readonly sizes: number[];
}

/**
 * The manifest in the form that the SDKs write: one line a directory, depth first, names in code-point order, blocks in
 * the order of their first use, contiguous pieces merged. Yields pieces of text. Throws ManifestError.
 */
export function* normalizeManifest(text: string, options: StreamTextOptions = {}): Generator<string> {
  const directories = readDirectories(text);
  const paths = [...directories.keys()].sort(comparePaths);
  for (const [i, path] of paths.entries()) {
    const columns = directories.get(path);
    if (columns === undefined) {
      continue;
    }
    if (columns.names.length > 0) {
      yield* directoryLine(path, columns, options);
    } else if (path !== '' && !paths[i + 1]?.startsWith(`${path}/`)) {
      yield emptyDirLine(path);
    }
    directories.delete(path);
  }
}

function readDirectories(text: string): Map<string, DirectoryColumns> {
  const directories = new Map<string, DirectoryColumns>();
  const directory = (path: string): DirectoryColumns => {
    let columns = directories.get(path);
    if (columns === undefined) {
      columns = { names: [], streams: [], positions: [], sizes: [] };
      directories.set(path, columns);
    }
    return columns;
  };
  let ofStream = directory('');
  scanManifest(text, {
    stream: (stream) => {
      ofStream = directory(stream.path);
    },
    file: (stream, name, position, sizeBytes) => {
      const slash = name.lastIndexOf('/');
      const columns = slash < 0 ? ofStream : directory(joined(stream.path, name.slice(0, slash)));
      columns.names.push(slash < 0 ? name : name.slice(slash + 1));
      columns.streams.push(stream);
      columns.positions.push(position);
      columns.sizes.push(sizeBytes);
    },
    emptyDir: (_stream, path) => {
      directory(path);
    },
  });
  return directories;
}

function directoryLine(
  path: string,
  columns: DirectoryColumns,
  options: StreamTextOptions,
): Iterable<string> {
  const { names, streams, positions, sizes } = columns;
  const line = new StreamText(path, options);
  let name: string | undefined;
  const take = (locator: string, offset: number, length: number) => line.range(locator, offset, length);
  for (const place of sortedPlaces(names)) {
    const next = names[place] ?? '';
    if (next !== name) {
      if (name !== undefined) {
        line.end();
      }
      line.begin(next);
      name = next;
    }
    const stream = streams[place];
    if (stream !== undefined) {
      eachRange(stream, positions[place] ?? 0, sizes[place] ?? 0, take);
    }
  }
  line.end();
  return line.chunks();
}

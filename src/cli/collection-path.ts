import { KeepsyncError } from '../base/errors.ts';
import { scanManifest } from '../collection/manifest-scan.ts';
import { sortedPlaces } from '../collection/name-order.ts';
import { pushRange, type Segment, sizeOf } from '../collection/segments.ts';
import { eachRange } from '../collection/stream-ranges.ts';
import { usage } from './folder-options.ts';

/** `UUID`, `PDH`, either with `/path` below it. */
export interface CollectionPath {
  readonly uuidOrPdh: string;
  /** Without slashes at its ends; '' is the whole collection. */
  readonly path: string;
  /** A slash at the end says "a folder". */
  readonly wantsFolder: boolean;
}

const COLLECTION = /^([a-z0-9]{5}-4zz18-[a-z0-9]{15}|[0-9a-f]{32}\+\d+(?:\+[A-Z][A-Za-z0-9@_-]*)*)(\/.*)?$/s;

/** Throws USAGE for anything else. */
export function parseCollectionPath(text: string): CollectionPath {
  const match = COLLECTION.exec(text);
  if (match?.[1] === undefined) {
    throw usage(`${JSON.stringify(text)} is neither a collection UUID nor a portable data hash`);
  }
  const rest = match[2] ?? '';
  const parts = rest.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) {
    throw usage('The path in the collection leads out of it');
  }
  return { uuidOrPdh: match[1], path: parts.join('/'), wantsFolder: rest.endsWith('/') };
}

export interface ManifestFile {
  /** In the collection, `a/b`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** In file order, without gaps; locators with all hints. */
  readonly segments: readonly Segment[];
}

export interface ManifestContent {
  /** Sorted by code point. */
  readonly files: readonly ManifestFile[];
  readonly emptyDirs: readonly string[];
}

/**
 * Pieces of blocks that files are made of: some 400 MiB of memory, and three times what 16 TiB in a million files need. A
 * short text can name far more, by files that each span all blocks of a line.
 */
const PIECES_MAX = 4_000_000;

/**
 * Files and empty folders of a manifest at or below `path`. Undefined where there is nothing of that name. Throws
 * BAD_ANSWER for what is no manifest, TOO_LARGE for one that would not fit into memory.
 */
export function contentBelow(manifestText: string, path: string): ManifestContent | undefined {
  const files = new Map<string, Segment[]>();
  const emptyDirs = new Set<string>();
  const isWanted = (candidate: string) =>
    path === '' || candidate === path || candidate.startsWith(`${path}/`);
  let pieces = 0;
  scanManifest(manifestText, {
    stream: () => undefined,
    file: (stream, name, position, sizeBytes) => {
      const filePath = stream.path === '' ? name : `${stream.path}/${name}`;
      if (!isWanted(filePath)) {
        return;
      }
      let segments = files.get(filePath);
      if (segments === undefined) {
        segments = [];
        files.set(filePath, segments);
      }
      const into = segments;
      eachRange(stream, position, sizeBytes, (locator, offset, length) => {
        pieces += 1;
        if (pieces > PIECES_MAX) {
          throw new KeepsyncError('TOO_LARGE', 'The files of this collection are made of too many pieces', {
            action: 'Fetch its folders one by one.',
          });
        }
        pushRange(into, locator, offset, length);
      });
    },
    emptyDir: (_stream, dir) => {
      if (isWanted(dir)) {
        emptyDirs.add(dir);
      }
    },
  });
  if (files.size === 0 && emptyDirs.size === 0 && path !== '') {
    return undefined;
  }
  const names = [...files.keys()];
  const sorted = Array.from(sortedPlaces(names), (place) => {
    const name = names[place] ?? '';
    const segments = files.get(name) ?? [];
    return { path: name, sizeBytes: sizeOf(segments), segments };
  });
  return { files: sorted, emptyDirs: [...emptyDirs] };
}

/** What names a block: md5 and size, without hints. */
export const blockKey = (locator: string): string => locator.split('+', 2).join('+');

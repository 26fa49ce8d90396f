import { joined, type ManifestStream, scanManifest } from '../collection/manifest-scan.ts';
import { eachRange } from '../collection/stream-ranges.ts';
import { splitPath } from './journal-rows.ts';
import { ContentText } from './journal-segments.ts';

/** Gets a collection directory by directory. */
interface RemoteVisitor {
  /** Files right inside `dir`, by name, each with its content as a comparable text; every directory comes once. */
  files(dir: string, files: Map<string, string>): void;
  emptyDir(path: string): void;
}

/** A name with a slash in a file token: legal, though nobody writes it. */
const SLASH_IN_NAME = / [0-9]+:[0-9]+:[^ \n/]*\//;

type Open = Map<string, ContentText>;

/**
 * Walks a manifest. Memory is that of one directory, unless the text names directories more than once or files by longer
 * paths: then that of those. Throws BAD_ANSWER for a text that is no manifest.
 */
export function visitRemote(manifestText: string, visitor: RemoteVisitor): void {
  const isTangled = SLASH_IN_NAME.test(manifestText);
  const repeated = repeatedStreams(manifestText);
  const late = new Map<string, Open>();
  let current: Open = new Map();
  let stream: ManifestStream | undefined;

  const finish = () => {
    if (stream !== undefined && current.size > 0) {
      visitor.files(stream.path, closed(current));
    }
    current = new Map();
  };
  const openOf = (dir: string): Open => {
    if (!isTangled && !repeated.has(dir)) {
      return current;
    }
    const open = late.get(dir) ?? new Map();
    late.set(dir, open);
    return open;
  };

  scanManifest(manifestText, {
    stream: (next) => {
      finish();
      stream = next;
    },
    file: (line, name, position, sizeBytes) => {
      const [dir, last] = isTangled ? splitPath(joined(line.path, name)) : [line.path, name];
      const open = openOf(dir);
      const content = open.get(last) ?? new ContentText();
      open.set(last, content);
      eachRange(line, position, sizeBytes, (locator, offset, length) => content.add(locator, offset, length));
    },
    emptyDir: (_line, path) => visitor.emptyDir(path),
  });
  finish();
  for (const [dir, open] of late) {
    visitor.files(dir, closed(open));
  }
}

function closed(open: Open): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, content] of open) {
    files.set(name, content.done());
  }
  return files;
}

/** Streams that more than one line is about, unescaped as the scan gives them. */
function repeatedStreams(text: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (let start = 0; start < text.length; ) {
    const lineEnd = text.indexOf('\n', start);
    const end = lineEnd < 0 ? text.length : lineEnd;
    const space = text.indexOf(' ', start);
    const token = text.slice(start, space < 0 || space > end ? end : space);
    // Two tokens may stand for one name (`\141` and `a`), so escaped ones are compared as the scan reads them.
    if (token.includes('\\')) {
      scanStreamName(token, (path) => note(path, seen, repeated));
    } else {
      note(token === '.' ? '' : token.slice(2), seen, repeated);
    }
    start = end + 1;
  }
  return repeated;
}

function note(path: string, seen: Set<string>, repeated: Set<string>): void {
  if (seen.has(path)) {
    repeated.add(path);
  }
  seen.add(path);
}

function scanStreamName(token: string, take: (path: string) => void): void {
  scanManifest(`${token} d41d8cd98f00b204e9800998ecf8427e+0 0:0:x\n`, {
    stream: (stream) => take(stream.path),
    file: () => undefined,
    emptyDir: () => undefined,
  });
}

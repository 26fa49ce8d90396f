import { createHash } from 'node:crypto';
import { unprocessable } from './api-error.ts';
import { unescapeName } from './manifest-names.ts';

/** What the server keeps of a manifest that it has accepted. */
export interface TakenManifest {
  /** Without local signatures; every other hint stays. */
  readonly text: string;
  readonly portableDataHash: string;
  readonly fileCount: number;
  readonly fileSizeTotal: number;
}

const LOCATOR = /^([0-9a-f]{32})\+([0-9]+)((?:\+[A-Z][A-Za-z0-9@_-]+)*)$/;
const FILE_TOKEN = /^([0-9]+):([0-9]+):(.+)$/s;
const LOCAL_SIGNATURE = /\+A[0-9a-f]{40}@[0-9a-f]{8}/g;
const BAD_ESCAPE = /\\(?![0-3][0-7][0-7])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: raw control characters are what must not be there
const RAW_CONTROL = /[\x00-\x1f]/;

/**
 * Checks a manifest as the API does and gives back what is stored. `checkLocator` sees each locator with its hints,
 * once per line it is in, and throws where the caller may not use the block. Throws ApiError 422 for a bad manifest.
 */
export function takeManifest(manifest: string, checkLocator: (locator: string) => void): TakenManifest {
  if (manifest !== '' && !manifest.endsWith('\n')) {
    throw unprocessable('Manifest text does not end with newline');
  }
  if (!manifest.isWellFormed()) {
    throw unprocessable('Manifest text is not valid UTF-8');
  }
  const repeated = repeatedStreams(manifest);
  const namesOf = new Map<string, Set<string>>();
  const stored: string[] = [];
  const hash = createHash('md5');
  let hashedBytes = 0;
  let fileCount = 0;
  let fileSizeTotal = 0;
  let hashedRun = '';
  for (let start = 0, lineNumber = 1; start < manifest.length; lineNumber += 1) {
    const end = manifest.indexOf('\n', start);
    const line = manifest.slice(start, end);
    start = end + 1;
    const tokens = line.split(' ');
    const stream = tokens[0] ?? '';
    checkStream(stream, lineNumber);
    let position = 1;
    let streamBytes = 0;
    let keptHead = stream;
    let hashedHead = stream;
    for (; position < tokens.length; position += 1) {
      const locator = tokens[position] ?? '';
      const match = LOCATOR.exec(locator);
      if (!match) {
        break;
      }
      checkLocator(locator);
      streamBytes += Number(match[2]);
      const bare = `${match[1]}+${match[2]}`;
      keptHead += ` ${match[3] === '' ? locator : locator.replace(LOCAL_SIGNATURE, '')}`;
      hashedHead += ` ${bare}`;
    }
    if (position === 1) {
      throw unprocessable(`Manifest invalid for stream ${lineNumber}: missing block locator`);
    }
    if (position === tokens.length) {
      throw unprocessable(`Manifest invalid for stream ${lineNumber}: missing file token`);
    }
    const counted = countFiles(
      tokens,
      position,
      streamBytes,
      lineNumber,
      namesFor(stream, repeated, namesOf),
    );
    fileCount += counted.files;
    fileSizeTotal += counted.bytes;
    const tail = line.slice(offsetOfToken(tokens, position) - 1);
    stored.push(keptHead, tail, '\n');
    // a run is hashed at once: one call per line would cost more than the hashing
    hashedRun += `${hashedHead}${tail}\n`;
    if (hashedRun.length > 1 << 20) {
      hashedBytes += Buffer.byteLength(hashedRun);
      hash.update(hashedRun);
      hashedRun = '';
    }
  }
  hashedBytes += Buffer.byteLength(hashedRun);
  hash.update(hashedRun);
  return {
    text: stored.join(''),
    portableDataHash: `${hash.digest('hex')}+${hashedBytes}`,
    fileCount,
    fileSizeTotal,
  };
}

/** The PDH of a text that holds no hints. */
export function hashOfBareText(text: string): string {
  const bytes = Buffer.from(text);
  return `${createHash('md5').update(bytes).digest('hex')}+${bytes.length}`;
}

function countFiles(
  tokens: readonly string[],
  firstFile: number,
  streamBytes: number,
  lineNumber: number,
  names: Set<string>,
): { files: number; bytes: number } {
  let files = 0;
  let bytes = 0;
  for (let index = firstFile; index < tokens.length; index += 1) {
    const token = tokens[index] ?? '';
    const match = FILE_TOKEN.exec(token);
    if (!match) {
      throw unprocessable(
        `Manifest invalid for stream ${lineNumber}: invalid file token ${JSON.stringify(token)}`,
      );
    }
    const name = match[3] ?? '';
    if (token === '0:0:.' || token === '0:0:\\056') {
      continue;
    }
    const length = Number(match[2]);
    if (Number(match[1]) + length > streamBytes) {
      throw unprocessable(
        `Manifest invalid for stream ${lineNumber}: file token ${JSON.stringify(token)} is out of range`,
      );
    }
    if (!names.has(name)) {
      checkFileName(name, lineNumber, length === 0);
      names.add(name);
      files += isEmptyFolderMark(name) ? 0 : 1;
    }
    bytes += length;
  }
  return { files, bytes };
}

function isEmptyFolderMark(name: string): boolean {
  return name.endsWith('/\\056') || name.endsWith('/.');
}

/** `.` or `./a/b`: no empty parts, none that is `.` or `..` on any of its lines, as the API's regular expression has it. */
function checkStream(stream: string, lineNumber: number): void {
  if (stream === '.') {
    return;
  }
  const parts = BAD_ESCAPE.test(stream) || RAW_CONTROL.test(stream) ? [] : unescapeName(stream).split('/');
  const isGood =
    parts[0] === '.' &&
    parts.length > 1 &&
    parts.slice(1).every((part) => part !== '' && !/^\.\.?$/m.test(part));
  if (!isGood) {
    throw unprocessable(
      `Manifest invalid for stream ${lineNumber}: missing or invalid stream name ${JSON.stringify(stream)}`,
    );
  }
}

function checkFileName(name: string, lineNumber: number, isEmpty: boolean): void {
  const isPlain =
    !name.includes('\\') && !name.includes('/') && !name.startsWith('.') && !RAW_CONTROL.test(name);
  if (isPlain) {
    return;
  }
  if (!BAD_ESCAPE.test(name) && !RAW_CONTROL.test(name)) {
    const parts = unescapeName(
      isEmpty && isEmptyFolderMark(name) ? name.slice(0, name.lastIndexOf('/')) : name,
    ).split('/');
    if (parts.every((part) => part !== '' && part !== '.' && part !== '..')) {
      return;
    }
  }
  throw unprocessable(`Manifest invalid for stream ${lineNumber}: invalid file name ${JSON.stringify(name)}`);
}

function offsetOfToken(tokens: readonly string[], index: number): number {
  let offset = 0;
  for (let before = 0; before < index; before += 1) {
    offset += (tokens[before]?.length ?? 0) + 1;
  }
  return offset;
}

/** Streams with more than one line: only for those must names be remembered beyond their line. */
function repeatedStreams(manifest: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (let start = 0; start < manifest.length; ) {
    const end = manifest.indexOf('\n', start);
    const space = manifest.indexOf(' ', start);
    if (space > 0 && space < end) {
      const stream = manifest.slice(start, space);
      if (seen.has(stream)) {
        repeated.add(stream);
      }
      seen.add(stream);
    }
    start = end + 1;
  }
  return repeated;
}

function namesFor(
  stream: string,
  repeated: ReadonlySet<string>,
  namesOf: Map<string, Set<string>>,
): Set<string> {
  if (!repeated.has(stream)) {
    return new Set();
  }
  const names = namesOf.get(stream) ?? new Set();
  namesOf.set(stream, names);
  return names;
}

import { KeepsyncError } from '../base/errors.ts';
import { unescapeName } from './name-escape.ts';

/** A manifest that is not one (code BAD_ANSWER): where, and what is wrong there. */
export class ManifestError extends KeepsyncError {
  /** From 1. */
  readonly lineNumber: number;
  /** The offending token, cut to 80 characters; '' where a token is missing. */
  readonly token: string;

  constructor(lineNumber: number, token: string, problem: string) {
    const shown = token.length > 80 ? `${token.slice(0, 79)}…` : token;
    super(
      'BAD_ANSWER',
      `The manifest is malformed in line ${lineNumber}: ${problem}${shown && `: ${shown}`}`,
      {
        info: { lineNumber, token: shown },
      },
    );
    this.lineNumber = lineNumber;
    this.token = shown;
  }
}

/** The head of a line: a stream and its blocks. */
export interface ManifestStream {
  /** From 1. */
  readonly lineNumber: number;
  /** Unescaped, without the leading `./`: '' for the top, else `a/b`. */
  readonly path: string;
  /** As they stand, with all hints. */
  readonly locators: readonly string[];
  /** Where each block begins in the stream, and, last, the stream's length in bytes. */
  readonly starts: readonly number[];
}

/** What a scan meets, in the order of the text. */
export interface ManifestVisitor {
  stream(stream: ManifestStream): void;
  /** `name` is unescaped; it may hold '/', and then lies in a folder below the stream. */
  file(stream: ManifestStream, name: string, position: number, sizeBytes: number): void;
  /** A folder marked as empty; `path` is whole, as in ManifestStream. Not called for the top. */
  emptyDir(stream: ManifestStream, path: string): void;
}

const LOCATOR = /[0-9a-f]{32}\+([0-9]{1,16})(?:\+[A-Z][A-Za-z0-9@_-]*)*(?=[ \n])/y;
const BAD_ESCAPE = /\\(?![0-3][0-7][0-7])/;

const COLON = 0x3a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/**
 * Reads one line, which begins at `start`, and returns where the next begins. Throws ManifestError for whatever the
 * server's validator would refuse (422), and where a file reaches past the blocks of its line.
 */
export function scanLine(text: string, start: number, lineNumber: number, visitor: ManifestVisitor): number {
  const end = text.indexOf('\n', start);
  if (end < 0) {
    throw new ManifestError(lineNumber, text.slice(start, start + 81), 'it does not end with a line break');
  }
  let tokenEnd = endOfToken(text, start, end);
  const streamToken = text.slice(start, tokenEnd);
  const locators: string[] = [];
  const starts: number[] = [0];
  let length = 0;
  let position = tokenEnd + 1;
  while (position < end) {
    LOCATOR.lastIndex = position;
    const match = LOCATOR.exec(text);
    if (match === null) {
      break;
    }
    locators.push(match[0]);
    length += Number(match[1]);
    starts.push(length);
    position += match[0].length + 1;
  }
  const stream = { lineNumber, path: streamPath(streamToken, lineNumber), locators, starts };
  if (locators.length === 0) {
    const token = position < end ? text.slice(position, endOfToken(text, position, end)) : '';
    throw new ManifestError(lineNumber, token, 'a block locator was expected after the stream name');
  }
  if (position > end) {
    throw new ManifestError(lineNumber, '', 'it names no file');
  }
  visitor.stream(stream);
  while (position <= end) {
    tokenEnd = endOfToken(text, position, end);
    scanFile(text, position, tokenEnd, stream, visitor);
    position = tokenEnd + 1;
  }
  return end + 1;
}

/** Reads a whole manifest; the empty text is the empty collection. Throws as `scanLine`. */
export function scanManifest(text: string, visitor: ManifestVisitor): void {
  let position = 0;
  for (let lineNumber = 1; position < text.length; lineNumber += 1) {
    position = scanLine(text, position, lineNumber, visitor);
  }
}

function endOfToken(text: string, position: number, lineEnd: number): number {
  const space = text.indexOf(' ', position);
  return space < 0 || space > lineEnd ? lineEnd : space;
}

function scanFile(
  text: string,
  start: number,
  end: number,
  stream: ManifestStream,
  visitor: ManifestVisitor,
) {
  const afterPosition = endOfDigits(text, start, end);
  const afterSize = endOfDigits(text, afterPosition + 1, end);
  const isFile = isColon(text, start, afterPosition, end) && isColon(text, afterPosition + 1, afterSize, end);
  if (!isFile || afterSize + 1 === end) {
    const token = text.slice(start, end);
    throw new ManifestError(
      stream.lineNumber,
      token,
      start === end ? 'two spaces, or one at the end' : 'not position:size:name',
    );
  }
  const position = Number(text.slice(start, afterPosition));
  const sizeBytes = Number(text.slice(afterPosition + 1, afterSize));
  const streamLength = stream.starts[stream.starts.length - 1] ?? 0;
  if (sizeBytes > 0 && !(position + sizeBytes <= streamLength)) {
    throw new ManifestError(
      stream.lineNumber,
      text.slice(start, end),
      `past the line's ${streamLength} bytes`,
    );
  }
  const token = text.slice(afterSize + 1, end);
  const name = unescaped(token, stream.lineNumber);
  if (position === 0 && sizeBytes === 0 && (name === '.' || name.endsWith('/.'))) {
    const inner = name === '.' ? '' : name.slice(0, -2);
    if (inner !== '') {
      assertParts(inner, token, stream.lineNumber);
    }
    const path = inner === '' ? stream.path : joined(stream.path, inner);
    if (path !== '') {
      visitor.emptyDir(stream, path);
    }
    return;
  }
  assertParts(name, token, stream.lineNumber);
  visitor.file(stream, name, position, sizeBytes);
}

/** `dir/name`, where `dir` may be the top (''). */
export function joined(dir: string, name: string): string {
  return dir === '' ? name : `${dir}/${name}`;
}

function endOfDigits(text: string, start: number, end: number): number {
  let position = start;
  while (position < end) {
    const code = text.charCodeAt(position);
    if (code < DIGIT_0 || code > DIGIT_9) {
      break;
    }
    position += 1;
  }
  return position;
}

function isColon(text: string, digitsStart: number, digitsEnd: number, end: number): boolean {
  return digitsEnd > digitsStart && digitsEnd < end && text.charCodeAt(digitsEnd) === COLON;
}

function streamPath(token: string, lineNumber: number): string {
  if (token === '.') {
    return '';
  }
  const name = unescaped(token, lineNumber);
  if (name === '.') {
    return '';
  }
  if (!name.startsWith('./')) {
    throw new ManifestError(lineNumber, token, "a stream name begins with './'");
  }
  const path = name.slice(2);
  assertParts(path, token, lineNumber);
  return path;
}

function unescaped(token: string, lineNumber: number): string {
  if (!token.includes('\\')) {
    return token;
  }
  if (BAD_ESCAPE.test(token)) {
    throw new ManifestError(lineNumber, token, 'a backslash that is not followed by 000 to 377');
  }
  return unescapeName(token);
}

function assertParts(path: string, token: string, lineNumber: number): void {
  if (!path.includes('/')) {
    assertPart(path, token, lineNumber);
    return;
  }
  for (const part of path.split('/')) {
    assertPart(part, token, lineNumber);
  }
}

function assertPart(part: string, token: string, lineNumber: number): void {
  if (part === '' || part === '.' || part === '..') {
    throw new ManifestError(lineNumber, token, `a path has no part '${part}'`);
  }
}

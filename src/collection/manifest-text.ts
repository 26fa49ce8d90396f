import { createHash } from 'node:crypto';
import { type ManifestStream, scanLine, scanManifest } from './manifest-scan.ts';

/** A line of a manifest. A path that comes again, here or on another line, goes on where it ended. */
export interface ManifestLine extends ManifestStream {
  readonly files: ReadonlyArray<{
    /** Unescaped; may hold '/', and then lies in a folder below the stream. */
    readonly name: string;
    /** Where in the stream it begins. */
    readonly position: number;
    readonly sizeBytes: number;
  }>;
  /** Folders marked as empty, as whole paths. */
  readonly emptyDirs: readonly string[];
}

/** The lines of a manifest, read one at a time. Throws ManifestError where one is malformed. */
export function* parseManifest(text: string): Generator<ManifestLine> {
  let position = 0;
  for (let lineNumber = 1; position < text.length; lineNumber += 1) {
    const files: Array<{ name: string; position: number; sizeBytes: number }> = [];
    const emptyDirs: string[] = [];
    let head: ManifestStream = { lineNumber, path: '', locators: [], starts: [] };
    position = scanLine(text, position, lineNumber, {
      stream: (stream) => {
        head = stream;
      },
      file: (_stream, name, start, sizeBytes) => files.push({ name, position: start, sizeBytes }),
      emptyDir: (_stream, path) => emptyDirs.push(path),
    });
    yield { ...head, files, emptyDirs };
  }
}

/** Throws ManifestError (line, token, reason) for a text that the server would refuse. */
export function validateManifest(text: string): void {
  const nothing = () => undefined;
  scanManifest(text, { stream: nothing, file: nothing, emptyDir: nothing });
}

/** No file token can look like this: it has ':' after its first digits. */
const LOCATOR_WITH_HINTS = /( [0-9a-f]{32}\+[0-9]+)\+[^ \n]*/g;

/** The manifest with each locator as `md5+size`. */
export function stripManifest(text: string): string {
  return text.replace(LOCATOR_WITH_HINTS, '$1');
}

/**
 * The portable data hash of a manifest as it stands (the server does not normalise): md5 and length of its stripped
 * UTF-8 text. Runs on the calling thread: some 5 ms per MiB.
 */
export function portableDataHash(text: string): string {
  return hashOfStripped([stripManifest(text)]);
}

/** Characters encoded at a time, so that no second copy of a large manifest is made. */
const HASHED_CHARACTERS = 2 ** 20;

/** As `portableDataHash`, of a text that is stripped already and comes in pieces, none cut inside a character. */
export function hashOfStripped(chunks: Iterable<string>): string {
  const hash = createHash('md5');
  let lengthBytes = 0;
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; ) {
      let end = Math.min(start + HASHED_CHARACTERS, chunk.length);
      if (end < chunk.length && (chunk.charCodeAt(end) & 0xfc00) === 0xdc00) {
        end += 1;
      }
      const bytes = Buffer.from(chunk.slice(start, end));
      hash.update(bytes);
      lengthBytes += bytes.length;
      start = end;
    }
  }
  return `${hash.digest('hex')}+${lengthBytes}`;
}

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A folder on disk or in a collection: md5 of each file, and the folders with nothing in them. */
export interface Tree {
  readonly files: Readonly<Record<string, string>>;
  readonly emptyDirs: readonly string[];
}

const MIB = 2 ** 20;
/** More than one block, so that a file ends in a second one. */
const LARGE_BYTES = 70 * MIB + 12_345;
const SMALL_FILES = 300;

const AWKWARD_NAMES = [
  'with space',
  ' leading and trailing ',
  'colon:in:it',
  'back\\slash',
  'looks\\040escaped',
  'line\nbreak',
  'tab\there',
  'delete\x7f',
  'quote\'s and "doubles"',
  '-dash',
  '~tilde~',
  'percent%20',
  'ünïcödé',
  'e\u0301 decomposed',
  '日本語.txt',
  'smile 😀',
  '\uffff after 😀 in UTF-16 only',
  '.hidden',
  '...',
  'semi;colon $HOME `x` *?[a]',
];

export const EMPTY_DIRS = ['empty folder', 'nested/empty:too', 'nested/deeper/empty'];

/** Bytes that are the same for each `name`, and that no two names share. */
export function contentOf(name: string, sizeBytes: number): Buffer {
  const pieces: Buffer[] = [];
  let left = sizeBytes;
  for (let index = 0; left > 0; index += 1) {
    const piece = createHash('sha512').update(`${name}/${index}`).digest();
    pieces.push(piece.subarray(0, left));
    left -= piece.length;
  }
  return Buffer.concat(pieces);
}

/** Nested folders, empty files and folders, every awkward name as file and as folder, many small files, a large one. */
export function makeTree(top: string): void {
  const write = (path: string, data: Uint8Array) => {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), data);
  };
  write('empty', Buffer.alloc(0));
  write('nested/deeper/deepest/empty', Buffer.alloc(0));
  write('nested/deeper/file', contentOf('deeper', 1000));
  write('nested.after/in order of names', contentOf('order', 10));
  for (const name of AWKWARD_NAMES) {
    write(`awkward/${name}`, contentOf(name, 100));
    write(`${name}/${name}`, contentOf(`${name}/`, 50));
  }
  for (let index = 0; index < SMALL_FILES; index += 1) {
    write(`small/${index % 7}/file ${index}`, contentOf(`small ${index}`, index * 13));
  }
  write('twice/one', contentOf('twice', 5000));
  write('twice/other', contentOf('twice', 5000));
  // a hash a 64 bytes would take seconds: one random mebibyte, repeated with its number in front
  const piece = contentOf('large', MIB);
  const large = Buffer.alloc(LARGE_BYTES, piece);
  for (let at = 0; at < LARGE_BYTES; at += MIB) {
    large.writeUInt32BE(at / MIB, at);
  }
  write('large', large);
  for (const path of EMPTY_DIRS) {
    mkdirSync(join(top, path), { recursive: true });
  }
}

/** What is on disk at `top`. */
export function treeOf(top: string): Tree {
  const files: Record<string, string> = {};
  const emptyDirs: string[] = [];
  const visit = (path: string) => {
    const entries = readdirSync(join(top, path), { withFileTypes: true });
    if (entries.length === 0 && path !== '') {
      emptyDirs.push(path);
    }
    for (const entry of entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) {
        visit(below);
      } else {
        files[below] = createHash('md5')
          .update(readFileSync(join(top, below)))
          .digest('hex');
      }
    }
  };
  visit('');
  return { files, emptyDirs: emptyDirs.sort() };
}

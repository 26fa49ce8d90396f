import { type FileNode, lineOfFiles, type Span, spansOfLine } from './manifest-lines.ts';
import { compareNames, escapeName, unescapeName } from './manifest-names.ts';

export type TreeNode = FileNode | Folder;

interface ManifestLine {
  /** Everything behind the stream name: ` locator… token…`. */
  readonly rest: string;
}

const EMPTY_FOLDER_REST = ' d41d8cd98f00b204e9800998ecf8427e+0 0:0:\\056';

/**
 * A folder of a manifest. Its own line stays text until somebody looks into the folder, so that a change to one folder
 * of a collection of many costs no more than that folder and the joining of the others' lines.
 */
export class Folder {
  #lines: ManifestLine[] = [];
  /** Whether the one line can go out as it came. */
  #isNormal = true;
  #files: Map<string, FileNode> | undefined;
  #folders = new Map<string, Folder>();
  #isSorted = true;

  /** Reads a manifest that has passed `takeManifest`. `isNormal` says that `toManifest` of this class wrote it. */
  static parse(text: string, isNormal: boolean): Folder {
    const root = new Folder();
    const byStream = new Map<string, Folder>([['.', root]]);
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf('\n', start);
      const space = text.indexOf(' ', start);
      const stream = text.slice(start, space);
      folderOfStream(byStream, root, stream).#addLine(text.slice(space, end), isNormal);
      start = end + 1;
    }
    if (!isNormal) {
      root.#readEverything();
    }
    return root;
  }

  #addLine(rest: string, isNormal: boolean): void {
    this.#lines.push({ rest });
    this.#isNormal = this.#isNormal && isNormal && this.#lines.length === 1;
  }

  /** Names with a slash reach into other folders, so all of a text that is not normal is read before any question. */
  #readEverything(): void {
    this.#read();
    for (const folder of [...this.#folders.values()]) {
      folder.#readEverything();
    }
  }

  #read(): Map<string, FileNode> {
    if (this.#files) {
      return this.#files;
    }
    const files = new Map<string, FileNode>();
    this.#files = files;
    for (const { rest } of this.#lines) {
      this.#readLine(rest);
    }
    this.#lines = [];
    this.#isSorted = false;
    return files;
  }

  #readLine(rest: string): void {
    for (const [name, spans] of spansOfLine(rest)) {
      this.#addFile(unescapeName(name), spans);
    }
  }

  #addFile(name: string, spans: readonly Span[]): void {
    let folder: Folder = this;
    const parts = name.split('/');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      folder = folder.ensureFolder(part);
    }
    if (last === '.') {
      return;
    }
    const files = folder.#read();
    const before = files.get(last);
    files.set(last, { spans: before ? [...before.spans, ...spans] : spans });
    folder.#isSorted = false;
  }

  /** The folder of that name, made where there is none. A file of the name is not looked at. */
  ensureFolder(name: string): Folder {
    let child = this.#folders.get(name);
    if (!child) {
      child = new Folder();
      this.#folders.set(name, child);
      this.#isSorted = false;
    }
    return child;
  }

  /** The file or folder of that name. */
  child(name: string): TreeNode | undefined {
    return this.#folders.get(name) ?? this.#read().get(name);
  }

  /** Puts `node` there in place of whatever was; the node belongs to this folder from now on. */
  set(name: string, node: TreeNode): void {
    const files = this.#read();
    this.#isSorted = false;
    if (node instanceof Folder) {
      files.delete(name);
      this.#folders.set(name, node);
    } else {
      this.#folders.delete(name);
      files.set(name, node);
    }
  }

  /** Removes a file or a whole folder; the folder it was in stays, empty perhaps. */
  remove(name: string): void {
    this.#read().delete(name);
    this.#folders.delete(name);
  }

  /** A copy that shares nothing that could change. `mapLocator` sees each block of it once per span. */
  clone(mapLocator?: (locator: string) => string): Folder {
    const copy = new Folder();
    if (mapLocator) {
      copy.#files = new Map();
      for (const [name, file] of this.#read()) {
        copy.#files.set(name, cloneFile(file, mapLocator));
      }
    } else {
      copy.#files = this.#files && new Map(this.#files);
      copy.#lines = [...this.#lines];
      copy.#isNormal = this.#isNormal;
    }
    copy.#isSorted = this.#isSorted;
    for (const [name, folder] of this.#folders) {
      copy.#folders.set(name, folder.clone(mapLocator));
    }
    return copy;
  }

  /** Files and their bytes, in here and below. */
  totals(): { files: number; bytes: number } {
    let files = 0;
    let bytes = 0;
    for (const file of this.#read().values()) {
      files += 1;
      for (const span of file.spans) {
        bytes += span.length;
      }
    }
    for (const folder of this.#folders.values()) {
      const below = folder.totals();
      files += below.files;
      bytes += below.bytes;
    }
    return { files, bytes };
  }

  /** Replaces each file's spans; for replace_segments. */
  mapFiles(map: (file: FileNode) => FileNode): void {
    const files = this.#read();
    for (const [name, file] of files) {
      const mapped = map(file);
      if (mapped !== file) {
        files.set(name, mapped);
      }
    }
    for (const folder of this.#folders.values()) {
      folder.mapFiles(map);
    }
  }

  /**
   * The manifest as Arvados' Go code writes it: per folder one line, then its folders, by code point; a block is named
   * again only where another came between; an empty folder is marked.
   */
  toManifest(): string {
    const pieces: string[] = [];
    this.#write('.', pieces);
    return pieces.join('');
  }

  #write(stream: string, pieces: string[]): void {
    this.#sort();
    const [line] = this.#lines;
    if (line && this.#isNormal && !this.#files) {
      // a mark of emptiness is only true while nothing is below
      if (line.rest !== EMPTY_FOLDER_REST || this.#folders.size === 0) {
        pieces.push(stream, line.rest, '\n');
      }
    } else if (this.#read().size > 0) {
      pieces.push(stream, lineOfFiles(this.#read()), '\n');
    } else if (this.#folders.size === 0 && stream !== '.') {
      pieces.push(stream, EMPTY_FOLDER_REST, '\n');
    }
    for (const [name, folder] of this.#folders) {
      folder.#write(`${stream}/${escapeName(name)}`, pieces);
    }
  }

  #sort(): void {
    if (!this.#isSorted) {
      this.#folders = sortedByName(this.#folders);
      this.#files = this.#files && sortedByName(this.#files);
      this.#isSorted = true;
    }
  }
}

export function cloneFile(file: FileNode, mapLocator: (locator: string) => string): FileNode {
  return { spans: file.spans.map((span) => ({ ...span, locator: mapLocator(span.locator) })) };
}

function folderOfStream(byStream: Map<string, Folder>, root: Folder, stream: string): Folder {
  const known = byStream.get(stream);
  if (known) {
    return known;
  }
  const slash = stream.lastIndexOf('/');
  const parent = slash < 0 ? root : folderOfStream(byStream, root, stream.slice(0, slash));
  const folder = parent.ensureFolder(unescapeName(stream.slice(slash + 1)));
  byStream.set(stream, folder);
  return folder;
}

function sortedByName<T>(map: Map<string, T>): Map<string, T> {
  return new Map([...map].sort(([left], [right]) => compareNames(left, right)));
}

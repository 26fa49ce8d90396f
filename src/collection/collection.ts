import { KeepsyncError } from '../base/errors.ts';
import type { BlockManager } from '../blocks/block-manager.ts';
import { ArvadosFile } from './arvados-file.ts';
import { ArvadosFileReader } from './arvados-file-reader.ts';
import { ArvadosFileWriter, type WriteMode } from './arvados-file-writer.ts';
import { loadManifest } from './collection-load.ts';
import { Directory, type TreeNode } from './directory.ts';
import { FileContext } from './file-context.ts';
import { joined } from './manifest-scan.ts';
import { hashOfStripped, stripManifest } from './manifest-text.ts';
import { assertFolderName, assertName, pathParts } from './names.ts';
import type { StreamTextOptions } from './stream-text.ts';
import { copied, discard, treeManifest } from './tree.ts';

/** What `walk` meets. A folder comes after the files of the folder that it is in. */
export type TreeEntry =
  | { readonly path: string; readonly kind: 'file'; readonly file: ArvadosFile }
  | { readonly path: string; readonly kind: 'folder'; readonly folder: Directory };

/**
 * A collection as a tree of files and folders over one block manager. Paths are `a/b`; `./a/b` and `/a/b` are the same.
 * Calls that do not return a promise are done when they return.
 *
 * Errors: NOT_FOUND for a path that is not there, USAGE for one of the wrong kind or in the way, BAD_NAME for a name
 * that Arvados cannot hold.
 */
export class Collection {
  readonly context: FileContext;
  readonly #root = new Directory();
  #loadedText: string | undefined;
  #treeModified = false;

  constructor(manager: BlockManager) {
    this.context = new FileContext(manager);
  }

  /** The collection that a manifest describes. Throws ManifestError. */
  static fromManifest(manager: BlockManager, manifestText: string): Collection {
    const collection = new Collection(manager);
    loadManifest(manifestText, collection.#root, collection.context);
    collection.#loadedText = manifestText;
    return collection;
  }

  /** Whether anything changed since it was loaded, made or `setUnmodified` was called. */
  get modified(): boolean {
    return this.#treeModified || this.context.modified.size > 0;
  }

  /** It is saved as it is now. */
  setUnmodified(): void {
    if (this.modified) {
      this.#loadedText = undefined;
    }
    this.#treeModified = false;
    this.context.setUnmodified();
  }

  /** The file or folder at a path; '' is the top. */
  find(path: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#root;
    for (const part of pathParts(path)) {
      node = node instanceof Directory ? node.get(part) : undefined;
    }
    return node;
  }

  exists(path: string): boolean {
    return this.find(path) !== undefined;
  }

  /** A new empty file, with the folders above it. USAGE where something is there. */
  create(path: string): ArvadosFile {
    const { folder, name } = this.#place(path);
    if (folder.get(name) !== undefined) {
      throw new KeepsyncError('USAGE', `${path} exists already`);
    }
    const file = new ArvadosFile(this.context);
    folder.put(name, file);
    this.#treeModified = true;
    return file;
  }

  /** `read` opens what is there and goes on with it as it is now; the other modes make the file where it is missing. */
  open(path: string, mode?: 'read'): ArvadosFileReader;
  open(path: string, mode: WriteMode): ArvadosFileWriter;
  open(path: string, mode: 'read' | WriteMode = 'read'): ArvadosFileReader | ArvadosFileWriter {
    const node = this.find(path);
    if (node instanceof Directory) {
      throw new KeepsyncError('USAGE', `${path} is a folder`);
    }
    const name = pathParts(path).at(-1) ?? '';
    if (mode !== 'read') {
      return new ArvadosFileWriter(node ?? this.create(path), name, mode);
    }
    if (node === undefined) {
      throw notFound(path);
    }
    return new ArvadosFileReader(node, name);
  }

  /** Makes a folder and those above it; no error where it is there. It is kept though it may be empty. */
  mkdir(path: string): Directory {
    const parts = pathParts(path);
    this.#assertFolders(parts);
    let folder = this.#root;
    for (const part of parts) {
      this.#treeModified ||= folder.get(part) === undefined;
      folder = folder.folder(part);
    }
    return folder;
  }

  /** Removes a file, or with `recursive` a folder and what is in it. The top is only emptied. */
  remove(path: string, options: { recursive?: boolean } = {}): void {
    const node = this.#existing(path);
    if (node instanceof Directory && node.size > 0 && options.recursive !== true) {
      throw new KeepsyncError('USAGE', `The folder ${path} is not empty`);
    }
    if (node === this.#root) {
      for (const [name] of [...this.#root.sorted()]) {
        this.remove(name, options);
      }
      return;
    }
    this.#detach(path);
    discard(node);
  }

  /**
   * Gives a file or folder another path; folders above it are made. Costs no upload. USAGE where something is there,
   * unless `overwrite`, or where a folder would go into itself.
   */
  rename(from: string, to: string, options: { overwrite?: boolean } = {}): void {
    const node = this.#existing(from);
    if (this.find(to) === node) {
      return;
    }
    this.#assertApart(node, from, to);
    const replaced = this.#attach(node, to, options);
    this.#detach(from);
    discard(replaced);
  }

  /** A second file or folder with the same content, which goes its own way from here. Costs no upload. As `rename`. */
  copy(from: string, to: string, options: { overwrite?: boolean } = {}): void {
    const node = this.#existing(from);
    if (this.find(to) === node) {
      return;
    }
    this.#assertApart(node, from, to);
    discard(this.#attach(copied(node), to, options));
  }

  /** All files and folders below `path`, in the order of a manifest: a folder's files, then each folder in it. */
  *walk(path = ''): Generator<TreeEntry> {
    const start = this.#existing(path);
    if (!(start instanceof Directory)) {
      yield { path: pathParts(path).join('/'), kind: 'file', file: start };
      return;
    }
    const stack = [{ path: pathParts(path).join('/'), folder: start }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { folder, path: folderPath } = next;
      if (folder !== start) {
        yield { path: folderPath, kind: 'folder', folder };
      }
      const folders: Array<{ path: string; folder: Directory }> = [];
      for (const [name, node] of folder.sorted()) {
        const nodePath = joined(folderPath, name);
        if (node instanceof Directory) {
          folders.push({ path: nodePath, folder: node });
        } else {
          yield { path: nodePath, kind: 'file', file: node };
        }
      }
      stack.push(...folders.reverse());
    }
  }

  /**
   * Uploads whatever is not in Keep yet: packs small files, waits for all blocks, puts signed locators into the files.
   * Throws one AsyncKeepWriteErrors with everything that failed; the next call tries those again.
   */
  commitAll(): Promise<void> {
    return this.context.commitAll();
  }

  /**
   * The manifest, normalised; a collection that is as it was loaded keeps its text unless `normalize` is set. With
   * `strip` locators are `md5+size`. Without, STATE if any byte is not in Keep yet: such a manifest could not be saved.
   */
  manifestText(options: { strip?: boolean; normalize?: boolean } = {}): string {
    if (this.#loadedText !== undefined && !this.modified && options.normalize !== true) {
      return options.strip === true ? stripManifest(this.#loadedText) : this.#loadedText;
    }
    return [...this.manifestChunks(options)].join('');
  }

  /** The normalised manifest in pieces, for large ones. As `manifestText`. */
  manifestChunks(options: StreamTextOptions = {}): Generator<string> {
    return treeManifest(this.#root, this.context.blocks, options);
  }

  /**
   * The hash of the normalised, stripped manifest. The md5 of blocks that are not in Keep yet is computed on the calling
   * thread.
   */
  portableDataHash(): string {
    return hashOfStripped(this.manifestChunks({ strip: true }));
  }

  /** Frees the buffers of all files, sent or not; the collection must not be used any more. */
  close(): void {
    discard(this.#root);
    this.context.blocks.sweep();
    this.context.close();
  }

  #existing(path: string): TreeNode {
    const node = this.find(path);
    if (node === undefined) {
      throw notFound(path);
    }
    return node;
  }

  /** The folder for a new node, made if need be, and its name in there. */
  #place(path: string): { folder: Directory; name: string } {
    const parts = pathParts(path);
    const name = parts.pop();
    if (name === undefined) {
      throw new KeepsyncError('USAGE', 'The top of a collection is a folder and stays one');
    }
    assertName(name);
    return { folder: this.mkdir(parts.join('/')), name };
  }

  /** Before anything is made: a path that cannot be leaves no half of it behind. */
  #assertFolders(parts: readonly string[]): void {
    let node: TreeNode | undefined = this.#root;
    for (const part of parts) {
      node = node instanceof Directory ? node.get(part) : undefined;
      if (node === undefined) {
        assertFolderName(part);
      }
    }
  }

  #attach(node: TreeNode, path: string, options: { overwrite?: boolean }): TreeNode | undefined {
    const replaced = this.find(path);
    if (replaced !== undefined && options.overwrite !== true) {
      throw new KeepsyncError('USAGE', `${path} exists already`);
    }
    const { folder, name } = this.#place(path);
    folder.put(name, node);
    this.#treeModified = true;
    return replaced;
  }

  #detach(path: string): void {
    const parts = pathParts(path);
    const name = parts.pop() ?? '';
    const folder = this.find(parts.join('/'));
    if (folder instanceof Directory) {
      folder.delete(name);
      this.#treeModified = true;
    }
  }

  #assertApart(node: TreeNode, from: string, to: string): void {
    const source = pathParts(from);
    const target = pathParts(to);
    const inside = node instanceof Directory && source.every((part, i) => part === target[i]);
    const above = target.every((part, i) => part === source[i]);
    if (inside || above) {
      throw new KeepsyncError('USAGE', `${from} cannot be put at ${to}: one is inside the other`);
    }
  }
}

function notFound(path: string): KeepsyncError {
  return new KeepsyncError('NOT_FOUND', `${path} is not in the collection`);
}

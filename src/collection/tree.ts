import { KeepsyncError } from '../base/errors.ts';
import type { ArvadosFile } from './arvados-file.ts';
import { Directory, type TreeNode } from './directory.ts';
import type { FileBlocks } from './file-blocks.ts';
import { joined } from './manifest-scan.ts';
import type { BlockRange } from './segments.ts';
import { emptyDirLine, StreamText, type StreamTextOptions } from './stream-text.ts';

/** A file or folder with the same content, which goes its own way. */
export function copied(node: TreeNode): TreeNode {
  if (!(node instanceof Directory)) {
    return node.clone();
  }
  const copy = new Directory();
  for (const [name, child] of node.sorted()) {
    copy.putLoaded(name, copied(child));
  }
  return copy;
}

/** Frees what the files below a node, or the node itself, have in buffers; they must not be used any more. */
export function discard(node: TreeNode | undefined): void {
  if (node instanceof Directory) {
    for (const child of node.nodes()) {
      discard(child);
    }
  } else {
    node?.remove();
  }
}

/**
 * The normalised manifest of a tree, in pieces. STATE where bytes are not in Keep yet, unless `strip` is set: then their
 * blocks are named by the md5 of what is in the buffer now.
 */
export function* treeManifest(
  root: Directory,
  blocks: FileBlocks,
  options: StreamTextOptions,
): Generator<string> {
  blocks.materialiseZeros();
  const stack = [{ path: '', folder: root }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { folder, path } = next;
    if (folder.size === 0 && path !== '') {
      yield emptyDirLine(path);
    }
    const folders: Array<{ path: string; folder: Directory }> = [];
    const line = new StreamText(path, options);
    for (const [name, node] of folder.sorted()) {
      if (node instanceof Directory) {
        folders.push({ path: joined(path, name), folder: node });
      } else {
        line.addFile(name, storedRanges(node, blocks, options.strip === true));
      }
    }
    yield* line.chunks();
    stack.push(...folders.reverse());
  }
}

function storedRanges(file: ArvadosFile, blocks: FileBlocks, unsignedWillDo: boolean): readonly BlockRange[] {
  const segments = file.segments();
  if (file.stored) {
    return segments;
  }
  return segments.map((segment) => {
    const block = blocks.manager.get(segment.locator);
    if (block !== undefined && block.state !== 'COMMITTED' && !unsignedWillDo) {
      throw new KeepsyncError('STATE', `Block ${block.blockId} is ${block.state}: its bytes are not in Keep`);
    }
    return block === undefined ? segment : { ...segment, locator: block.locator() };
  });
}

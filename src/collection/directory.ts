import { KeepsyncError } from '../base/errors.ts';
import type { ArvadosFile } from './arvados-file.ts';
import { sortedPlaces } from './name-order.ts';
import { assertFolderName, assertName } from './names.ts';

export type TreeNode = Directory | ArvadosFile;

/** A folder of a collection: names and what they stand for. It knows neither its own name nor its parent. */
export class Directory {
  readonly #nodes = new Map<string, TreeNode>();

  /** How many entries it has. */
  get size(): number {
    return this.#nodes.size;
  }

  get(name: string): TreeNode | undefined {
    return this.#nodes.get(name);
  }

  /** What is in it by name in code-point order, which is the order of a manifest. */
  *sorted(): Generator<readonly [name: string, node: TreeNode]> {
    const names = [...this.#nodes.keys()];
    const nodes = [...this.#nodes.values()];
    for (const place of sortedPlaces(names)) {
      const name = names[place];
      const node = nodes[place];
      if (name !== undefined && node !== undefined) {
        yield [name, node];
      }
    }
  }

  /** What is in it, in no particular order. */
  nodes(): IterableIterator<TreeNode> {
    return this.#nodes.values();
  }

  /** Puts a node under a name, in place of what was there. BAD_NAME where Arvados cannot hold the name. */
  put(name: string, node: TreeNode): void {
    if (node instanceof Directory) {
      assertFolderName(name);
    } else {
      assertName(name);
    }
    this.#nodes.set(name, node);
  }

  /** As `put`, for a name that came from a manifest: legal there, if odd. */
  putLoaded(name: string, node: TreeNode): void {
    this.#nodes.set(name, node);
  }

  delete(name: string): void {
    this.#nodes.delete(name);
  }

  /** The folder of that name, made if need be. USAGE where a file has the name. */
  folder(name: string): Directory {
    const node = this.#nodes.get(name);
    if (node instanceof Directory) {
      return node;
    }
    if (node !== undefined) {
      throw new KeepsyncError('USAGE', `${JSON.stringify(name)} is a file, not a folder`);
    }
    const fresh = new Directory();
    this.put(name, fresh);
    return fresh;
  }
}

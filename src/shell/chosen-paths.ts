import { KeepsyncError } from '../base/errors.ts';
import type { FolderConfig } from '../contract/settings.ts';

/**
 * The folders that a person pointed at, in a dialog of the system or by dropping them. A window gets at no others, so
 * that a page that was taken over cannot make Keepsync read whatever it likes.
 */
export class ChosenPaths {
  readonly #chosen = new Set<string>();
  readonly #known: () => Promise<ReadonlyArray<{ readonly path: string }>>;

  /** `known`: the folders that are kept already, which were pointed at once. */
  constructor(known: () => Promise<ReadonlyArray<{ readonly path: string }>>) {
    this.#known = known;
  }

  add(diskPath: string): string {
    this.#chosen.add(diskPath);
    return diskPath;
  }

  /** Throws FORBIDDEN for a folder that nobody pointed at. */
  async require(diskPath: string): Promise<void> {
    if (this.#chosen.has(diskPath)) {
      return;
    }
    if ((await this.#known()).some((folder) => folder.path === diskPath)) {
      return;
    }
    throw new KeepsyncError('FORBIDDEN', 'This folder was not chosen in the folder dialog', {
      action: 'Choose the folder again.',
    });
  }

  /** The same for every root of a folder pair. */
  async requireRoots(roots: FolderConfig['roots'] | undefined): Promise<void> {
    for (const root of roots ?? []) {
      await this.require(root.diskPath);
    }
  }
}

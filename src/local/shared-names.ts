import type { ScanHelp } from './scan-help.ts';
import type { FolderPlace, FolderSlice, UnchangedFolder } from './unchanged-folder.ts';

/**
 * The names of one folder while a walk looks at them from the beginning, and offers slices of them to its help from the
 * end: where there is no other folder to offer, both end at the same time.
 */
export class SharedNames {
  readonly #place: FolderPlace;
  readonly #names: readonly string[];
  /** The one next to the walk last. */
  readonly #offered: FolderSlice[] = [];
  /** Up to here, not included, the walk looks itself. */
  end: number;

  constructor(place: FolderPlace, names: readonly string[]) {
    this.#place = place;
    this.#names = names;
    this.end = names.length;
  }

  /** `next`: where the walk is. It keeps as much for itself as it gives away. */
  offer(help: ScanHelp, next: number): void {
    while (this.end - next >= 2 * help.sliceNames && help.hasRoom) {
      const from = this.end - help.sliceNames;
      const slice = {
        ...this.#place,
        after: this.#names[from - 1] ?? '',
        names: this.#names.slice(from, this.end),
      };
      help.offer(slice);
      this.#offered.push(slice);
      this.end = from;
    }
  }

  /** The walk has come to the end: what was found in the slice that begins there, if anything. The rest of it is the walk's. */
  takeBack(help: ScanHelp): UnchangedFolder | undefined {
    const slice = this.#offered.pop();
    if (slice === undefined) {
      return undefined;
    }
    this.end += slice.names.length;
    return help.foundIn(slice);
  }
}

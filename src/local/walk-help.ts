import type { IgnoreRules } from './ignore-rules.ts';
import type { ScanHelp } from './scan-help.ts';
import type { ScanReport } from './scan-report.ts';
import { SharedNames } from './shared-names.ts';
import { diskPathBelow, type ScanDisk } from './sync-disk.ts';
import { joinPath } from './tree-roots.ts';
import type { FolderPlace, UnchangedFolder } from './unchanged-folder.ts';
import { type GoneFrame, plainPlace, type ToWalk, type WalkFrame } from './walk-frame.ts';

/** So many files found as they were: it is worth while to have others look, too. */
export const HELP_AFTER_FILES = 500;

/** What a walk gives away to its help, if it has one, and what comes back. */
export class WalkHelp {
  readonly #help: ScanHelp | undefined;
  readonly #disk: ScanDisk;
  readonly #report: ScanReport;
  /** Without those of ignore files: the help knows no others. */
  readonly #patterns: IgnoreRules;
  #untouched = 0;

  constructor(help: ScanHelp | undefined, disk: ScanDisk, report: ScanReport, patterns: IgnoreRules) {
    this.#help = help;
    this.#disk = disk;
    this.#report = report;
    this.#patterns = patterns;
  }

  /** A file was found as the journal knows it. */
  sawUntouched(): void {
    if (this.#help !== undefined && ++this.#untouched === HELP_AFTER_FILES) {
      this.#help.isWanted = true;
    }
  }

  /** What the help found in a folder, or in the beginning of it. */
  foundIn(place: FolderPlace | undefined): UnchangedFolder | undefined {
    return place === undefined ? undefined : this.#help?.foundIn(place);
  }

  /** The names of a folder that may be given away. */
  sharedNames(place: FolderPlace | undefined, rules: IgnoreRules, names: readonly string[]) {
    return place !== undefined && rules === this.#patterns ? new SharedNames(place, names) : undefined;
  }

  /** Where there is no folder to offer, names of this one; what was found out about those is fetched as the walk gets there. */
  share(frame: WalkFrame): void {
    const { shared, known } = frame;
    if (shared === undefined || this.#help === undefined) {
      return;
    }
    if (frame.next === shared.end) {
      this.skip(frame, shared.takeBack(this.#help));
    } else if (known.isInStep) {
      shared.offer(this.#help, frame.next);
    }
  }

  /** The next names are as the journal knows them: the help has looked. */
  skip(frame: WalkFrame, found: UnchangedFolder | undefined): void {
    const to = frame.next + (found?.entries ?? 0);
    if (found === undefined || frame.names[to - 1] !== found.last) {
      return;
    }
    this.count(found);
    frame.known.deleteRun(frame.names, frame.next, to);
    frame.below.push(...this.foldersIn(frame, found));
    frame.next = to;
  }

  /** As if the walk had looked itself. */
  count(found: UnchangedFolder): void {
    this.#report.files += found.files;
    this.#report.bytes += found.bytes;
    this.#report.ignored += found.ignored;
    this.#report.entriesSeen += found.entries;
  }

  /** The folders in it, to be walked. */
  foldersIn(task: ToWalk, found: UnchangedFolder): ToWalk[] {
    return found.below.map((name) => ({
      path: joinPath(task.path, name),
      diskPaths: task.diskPaths.map((diskPath) => diskPathBelow(this.#disk, diskPath, name)),
      roots: undefined,
      only: undefined,
      isKnown: true,
    }));
  }

  /** Help that came, or is done, in the middle of a large folder need not wait for its end. */
  offerAbove(stack: ReadonlyArray<WalkFrame | GoneFrame>): void {
    if (!this.#help?.hasRoom) {
      return;
    }
    for (const frame of stack) {
      if (frame.kind === 'walk' && frame.nextBelow > 0) {
        this.offerBelow(frame);
      }
    }
  }

  /** The last folders first: walk and help meet in the middle. */
  offerBelow(frame: WalkFrame): void {
    if (this.#help === undefined || frame.rules !== this.#patterns) {
      return;
    }
    frame.offeredFrom = Math.min(frame.offeredFrom, frame.below.length);
    while (frame.offeredFrom > frame.nextBelow + 1 && this.#help.hasRoom) {
      frame.offeredFrom--;
      const place = plainPlace(frame.below[frame.offeredFrom] ?? frame);
      if (place !== undefined) {
        this.#help.offer(place);
      }
    }
  }
}

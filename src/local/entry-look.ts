import { KeepsyncError } from '../base/errors.ts';
import type { FileStat, KnownEntry, TreeChange } from './ports.ts';
import { type Finding, findEntry, judgeEntry, nameErrorOf, type ScanRules } from './scan-entry.ts';
import type { ScanReport } from './scan-report.ts';
import type { ScanRoots } from './scan-roots.ts';
import {
  diskPathBelow,
  kindOf,
  type RawStat,
  type ScanDisk,
  stampOf,
  systemCodeOf,
  toFileStat,
} from './sync-disk.ts';
import { joinPath, type RootNode } from './tree-roots.ts';
import type { WalkFrame } from './walk-frame.ts';
import type { WalkHelp } from './walk-help.ts';

/** Something the journal knows is gone; `then` took its place. */
export type ReportGone = (path: string, entry: KnownEntry, then: readonly TreeChange[]) => void;

/** Looks at the entries of folders that are walked, one at a time, and reports what is not as the journal knows it. */
export class EntryLook {
  readonly #disk: ScanDisk;
  readonly #rules: ScanRules;
  readonly #roots: ScanRoots;
  readonly #report: ScanReport;
  readonly #help: WalkHelp;
  readonly #reportGone: ReportGone;

  constructor(
    disk: ScanDisk,
    rules: ScanRules,
    roots: ScanRoots,
    report: ScanReport,
    help: WalkHelp,
    reportGone: ReportGone,
  ) {
    this.#disk = disk;
    this.#rules = rules;
    this.#roots = roots;
    this.#report = report;
    this.#help = help;
    this.#reportGone = reportGone;
  }

  /** Looks at an entry of a folder that is being walked. */
  look(frame: WalkFrame, name: string): void {
    const known = frame.known.get(name);
    const seen = known === undefined ? undefined : this.#glance(frame, known);
    if (known !== undefined && seen && this.#isUntouched(known, seen)) {
      frame.known.delete(name);
      this.#count(frame, name, seen);
      return;
    }
    const path = joinPath(frame.path, name);
    const roots = frame.roots?.children.get(name);
    const diskDirs: string[] = [];
    // From the last layer to the first: the last file wins, folders lie over each other.
    for (const diskPath of roots?.diskPaths.toReversed() ?? []) {
      const stat = this.#roots.statOf(diskPath);
      if (stat === undefined) {
        continue;
      }
      const finding = judgeEntry(this.#rules, name, diskPath, stat, false);
      if (this.#settle(frame, path, diskPath, known, diskDirs, finding)) {
        return;
      }
    }
    for (let layer = frame.diskPaths.length - 1; layer >= 0; layer--) {
      const diskPath = diskPathBelow(this.#disk, frame.diskPaths[layer] ?? '', name);
      const finding = findEntry(
        this.#disk,
        this.#rules,
        name,
        diskPath,
        (isDir) => frame.isIgnored(name, isDir),
        seen,
      );
      if (this.#settle(frame, path, diskPath, known, diskDirs, finding)) {
        return;
      }
    }
    if (diskDirs.length === 0 && roots === undefined) {
      return;
    }
    frame.known.delete(name);
    const nameError = nameErrorOf(this.#rules, name, true, path);
    if (nameError === undefined) {
      this.#dir(frame, path, diskDirs, roots, known);
    } else {
      this.#report.hold(path, path, nameError);
    }
  }

  /**
   * What is where the journal knows a file, null where nothing is. Undefined where the disk has something against it, or
   * where more than one entry may lie: that is left to a closer look.
   */
  #glance(frame: WalkFrame, known: KnownEntry): RawStat | null | undefined {
    if (known.kind !== 'file' || known.stamp === '' || frame.plainPrefix === undefined) {
      return undefined;
    }
    try {
      return this.#disk.lstat(frame.plainPrefix + known.name) ?? null;
    } catch (thrown) {
      if (systemCodeOf(thrown) === undefined) {
        throw thrown;
      }
      return undefined;
    }
  }

  /** Most entries of most scans: files as the journal knows them. */
  #isUntouched(known: KnownEntry, stat: RawStat): boolean {
    return (
      kindOf(stat) === 'file' &&
      stampOf(stat) === known.stamp &&
      nameErrorOf(this.#rules, known.name, false, known.name) === undefined
    );
  }

  #count(frame: WalkFrame, name: string, stat: RawStat): void {
    if (frame.isIgnored(name, false)) {
      this.#report.ignored++;
    } else {
      this.#report.files++;
      this.#report.bytes += Number(stat.size);
    }
    this.#help.sawUntouched();
  }

  /** Takes a finding in; true when the entry is dealt with, false when it is absent or one more folder. */
  #settle(
    frame: WalkFrame,
    path: string,
    diskPath: string,
    known: KnownEntry | undefined,
    diskDirs: string[],
    finding: Finding,
  ): boolean {
    switch (finding.is) {
      case 'absent':
        return false;
      case 'dir':
        if (finding.isLink && this.#leadsBack(frame, finding.stat)) {
          this.#report.hold(
            path,
            diskPath,
            linkError('A link that leads back to a folder above it', diskPath),
          );
          break;
        }
        diskDirs.unshift(diskPath);
        return false;
      case 'file':
        if (diskDirs.length > 0) {
          return false;
        }
        this.#file(path, diskPath, toFileStat(finding.stat), known);
        break;
      case 'ignored':
        this.#report.ignored++;
        break;
      case 'link':
        this.#report.links++;
        if (known !== undefined) {
          this.#report.hold(
            path,
            diskPath,
            linkError('Now a link, and links are not followed here', diskPath),
          );
        }
        break;
      case 'held':
        this.#report.hold(path, diskPath, finding.error);
        break;
    }
    if (known !== undefined) {
      frame.known.delete(known.name);
    }
    return true;
  }

  /** `shown`: the name, as far as it can be shown. */
  lookAtUndecodable(frame: WalkFrame, shown: string): void {
    const path = joinPath(frame.path, shown);
    const diskPath = diskPathBelow(this.#disk, frame.diskPaths[0] ?? '', shown);
    frame.known.delete(shown);
    if (frame.isIgnored(shown, false)) {
      this.#report.ignored++;
      return;
    }
    this.#report.hold(
      path,
      diskPath,
      new KeepsyncError('BAD_NAME', `The name is not valid Unicode (UTF-8): ${diskPath}`, {
        action: 'Rename it.',
      }),
    );
  }

  #file(path: string, diskPath: string, stat: FileStat, known: KnownEntry | undefined): void {
    this.#report.files++;
    this.#report.bytes += stat.sizeBytes;
    if (known !== undefined && known.kind === 'file' && known.stamp === stat.stamp) {
      return;
    }
    const change: TreeChange = { type: 'file', path, diskPath, stat };
    if (known?.kind === 'dir') {
      this.#reportGone(path, known, [change]);
    } else {
      this.#report.add(change);
    }
  }

  #dir(
    frame: WalkFrame,
    path: string,
    diskPaths: readonly string[],
    roots: RootNode | undefined,
    known: KnownEntry | undefined,
  ): void {
    if (known?.kind === 'file') {
      this.#report.gone(path, false);
    }
    const isKnown = known?.kind === 'dir' && known.isHeld !== true;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const only = frame.only?.children.get(name);
    // A folder that the journal has never seen is looked at as a whole, whatever was asked for inside it.
    const isWhole = only === undefined || only.all || (!isKnown && diskPaths.length > 0);
    frame.below.push({ path, diskPaths, roots, only: isWhole ? undefined : only, isKnown });
  }

  /** Whether a link's folder is one of those that are being walked. */
  #leadsBack(frame: WalkFrame, target: RawStat): boolean {
    for (let above: WalkFrame | undefined = frame; above !== undefined; above = above.parent) {
      for (const diskPath of above.diskPaths) {
        const stat = this.#disk.stat(diskPath);
        if (stat !== undefined && stat.dev === target.dev && stat.ino === target.ino) {
          return true;
        }
      }
    }
    return false;
  }
}

function linkError(message: string, diskPath: string): KeepsyncError {
  return new KeepsyncError('FILE_KIND', `${message}: ${diskPath}`, {
    action: 'Leave the link out, or replace it by what it should lead to.',
  });
}

import { KeepsyncError } from '../base/errors.ts';
import { fileError } from './file-errors.ts';
import { IGNORE_FILE_NAME, IgnoreRules } from './ignore-rules.ts';
import { KnownNames } from './known-names.ts';
import type {
  FileStat,
  KnownEntry,
  KnownTree,
  ScanRequest,
  ScanTotals,
  TreeChange,
  TreeRules,
} from './ports.ts';
import { readIgnoreFile } from './read-files.ts';
import { type Finding, findEntry, judgeEntry, nameErrorOf } from './scan-entry.ts';
import type { ScanHelp } from './scan-help.ts';
import { BATCH_MAX_CHANGES, ScanReport } from './scan-report.ts';
import { rootError, ScanRoots } from './scan-roots.ts';
import { SharedNames } from './shared-names.ts';
import {
  type DirListing,
  isMissing,
  kindOf,
  type RawStat,
  type SyncDisk,
  stampOf,
  systemCodeOf,
  toFileStat,
} from './sync-disk.ts';
import { joinPath, type OnlyNode, plantOnly, type RootNode } from './tree-roots.ts';
import type { FolderPlace, UnchangedFolder } from './unchanged-folder.ts';

/** Entries looked at in one go. */
const STRIDE_ENTRIES = 250;
/** Entries after which a batch is handed out whatever is in it, for the caller to breathe and to stop the scan. */
const BREATHE_AFTER_ENTRIES = 2_000;

/** So many files found as they were: it is worth while to have others look, too. The first breaths are as short. */
const HELP_AFTER_FILES = 500;

/** A folder that waits to be walked. */
interface ToWalk {
  readonly path: string;
  /** The disk folders that lie over each other here: one, but where roots overlap. None above a root's prefix. */
  readonly diskPaths: readonly string[];
  readonly roots: RootNode | undefined;
  readonly only: OnlyNode | undefined;
  /** The journal knows it as a folder. */
  readonly isKnown: boolean;
}

interface WalkFrame extends ToWalk {
  readonly kind: 'walk';
  readonly parent: WalkFrame | undefined;
  readonly rules: IgnoreRules;
  readonly isIgnored: (name: string, isDir: boolean) => boolean;
  /** Begins the disk path of each entry; undefined where folders lie over each other, or roots lie right below. */
  readonly plainPrefix: string | undefined;
  /** Entries that are still to be looked at, from `next` on. */
  readonly names: readonly string[];
  next: number;
  /** Set where names may be offered to the help. */
  readonly shared: SharedNames | undefined;
  readonly known: KnownNames;
  /** What the journal knows and the disk did not show; filled once all names are looked at. */
  missing: KnownEntry[] | undefined;
  readonly below: ToWalk[];
  nextBelow: number;
  /** From here on the folders below were offered to the help. */
  offeredFrom: number;
}

/** A folder that is no longer there: everything that the journal knows below it is reported, then itself. */
interface GoneFrame {
  readonly kind: 'gone';
  readonly path: string;
  readonly wasDir: boolean;
  readonly left: KnownEntry[];
  /** What took its place. */
  readonly then: readonly TreeChange[];
}

/**
 * Compares the disk with what the journal knows, folder by folder, depth first. Yields the differences in batches (some
 * of them empty, between which a caller can breathe), returns the totals. Memory grows with depth and with the largest
 * single folder.
 *
 * What is gone is reported children first. A folder in place of a file: 'gone' of the file, then 'dir'; a file in place
 * of a folder: 'gone' of everything below and of the folder, then 'file'. What cannot be looked at (no permission, a
 * disk error) is 'held', and nothing at or below it is reported as gone; nor is what the rules leave out.
 *
 * Throws ROOT_GONE when a root is missing at the start, or is not the same folder any more when something gone is about
 * to be reported or at the end; USAGE for roots that make no sense; FILE_… when a root cannot be read.
 */
export function* scanTree(
  disk: SyncDisk,
  known: KnownTree,
  request: ScanRequest,
  help?: ScanHelp,
): Generator<readonly TreeChange[], ScanTotals, void> {
  const roots = new ScanRoots(disk, request.roots);
  const report = new ScanReport();
  const walk = new TreeWalk(disk, known, request, roots, report, help);
  const confirm = () => roots.confirm();
  let lookedAt = 0;
  while (!walk.isDone) {
    walk.advance();
    const breath = lookedAt < BREATHE_AFTER_ENTRIES ? HELP_AFTER_FILES : BREATHE_AFTER_ENTRIES;
    while (report.changeCount >= BATCH_MAX_CHANGES || walk.entriesSeen - lookedAt >= breath) {
      lookedAt = walk.entriesSeen;
      yield report.take(confirm);
    }
  }
  while (report.changeCount > 0) {
    yield report.take(confirm);
  }
  roots.confirm();
  return report.totals();
}

class TreeWalk {
  readonly #disk: SyncDisk;
  readonly #known: KnownTree;
  readonly #rules: TreeRules;
  readonly #roots: ScanRoots;
  readonly #report: ScanReport;
  readonly #help: ScanHelp | undefined;
  /** Without those of ignore files. */
  readonly #patterns: IgnoreRules;
  readonly #stack: Array<WalkFrame | GoneFrame> = [];
  #waiting: { readonly task: ToWalk; readonly parent: WalkFrame | undefined } | undefined;
  #untouched = 0;
  entriesSeen = 0;

  constructor(
    disk: SyncDisk,
    known: KnownTree,
    request: ScanRequest,
    roots: ScanRoots,
    report: ScanReport,
    help: ScanHelp | undefined,
  ) {
    this.#help = help;
    this.#patterns = IgnoreRules.of(request.rules.patterns);
    this.#disk = disk;
    this.#known = known;
    this.#rules = request.rules;
    this.#roots = roots;
    this.#report = report;
    const only = plantOnly(request.only, IGNORE_FILE_NAME);
    this.#waiting = {
      parent: undefined,
      task: { path: '', diskPaths: roots.tree.diskPaths, roots: roots.tree, only, isKnown: true },
    };
  }

  get isDone(): boolean {
    return this.#stack.length === 0 && this.#waiting === undefined;
  }

  /** A bounded piece of work. */
  advance(): void {
    if (this.#waiting !== undefined) {
      const { task, parent } = this.#waiting;
      this.#waiting = undefined;
      this.#enter(task, parent);
      return;
    }
    const frame = this.#stack.at(-1);
    if (frame?.kind === 'gone') {
      this.#advanceGone(frame);
    } else if (frame !== undefined) {
      this.#advanceWalk(frame);
    }
  }

  #advanceWalk(frame: WalkFrame): void {
    const top = this.#stack.length;
    const own = frame.shared?.end ?? frame.names.length;
    const end = Math.min(frame.next + STRIDE_ENTRIES, own);
    while (frame.next < end && this.#stack.length === top) {
      const name = frame.names[frame.next++];
      if (name !== undefined) {
        this.entriesSeen++;
        this.#look(frame, name);
      }
    }
    this.#offerAbove();
    this.#share(frame, own);
    if (this.#stack.length !== top || frame.next < frame.names.length) {
      return;
    }
    frame.missing ??= frame.diskPaths.length > 0 ? frame.known.left() : [];
    for (let count = 0; count < STRIDE_ENTRIES && this.#stack.length === top; count++) {
      const entry = frame.missing.pop();
      if (entry === undefined) {
        break;
      }
      this.#reportMissing(frame, entry);
    }
    if (this.#stack.length !== top || frame.missing.length > 0) {
      return;
    }
    this.#offerBelow(frame);
    const task = frame.below[frame.nextBelow++];
    if (task === undefined) {
      this.#stack.pop();
    } else {
      this.#waiting = { task, parent: frame };
    }
  }

  /** Where there is no folder to offer, names of this one; what was found out about those is fetched as the walk gets there. */
  #share(frame: WalkFrame, own: number): void {
    const { shared, known } = frame;
    if (shared === undefined || this.#help === undefined) {
      return;
    }
    if (frame.next === own) {
      this.#skip(frame, shared.takeBack(this.#help));
    } else if (known.isInStep) {
      shared.offer(this.#help, frame.next);
    }
  }

  /** The next names are as the journal knows them: the help has looked. */
  #skip(frame: WalkFrame, found: UnchangedFolder | undefined): void {
    const to = frame.next + (found?.entries ?? 0);
    if (found === undefined || frame.names[to - 1] !== found.last) {
      return;
    }
    this.#countFound(found);
    frame.known.deleteRun(frame.names, frame.next, to);
    frame.below.push(...this.#foldersIn(frame, found));
    frame.next = to;
  }

  #countFound(found: UnchangedFolder): void {
    this.#report.files += found.files;
    this.#report.bytes += found.bytes;
    this.#report.ignored += found.ignored;
    this.entriesSeen += found.entries;
  }

  #foldersIn(task: ToWalk, found: UnchangedFolder): ToWalk[] {
    return found.below.map((name) => ({
      path: joinPath(task.path, name),
      diskPaths: task.diskPaths.map((diskPath) => this.#below(diskPath, name)),
      roots: undefined,
      only: undefined,
      isKnown: true,
    }));
  }

  /** Help that came, or is done, in the middle of a large folder need not wait for its end. */
  #offerAbove(): void {
    if (!this.#help?.hasRoom) {
      return;
    }
    for (const frame of this.#stack) {
      if (frame.kind === 'walk' && frame.nextBelow > 0) {
        this.#offerBelow(frame);
      }
    }
  }

  /** The last folders first: walk and help meet in the middle. */
  #offerBelow(frame: WalkFrame): void {
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

  #advanceGone(frame: GoneFrame): void {
    const top = this.#stack.length;
    for (let count = 0; count < STRIDE_ENTRIES && this.#stack.length === top; count++) {
      const entry = frame.left.pop();
      if (entry === undefined) {
        this.#stack.pop();
        this.#report.gone(frame.path, frame.wasDir);
        this.#report.add(...frame.then);
        return;
      }
      this.entriesSeen++;
      this.#reportGone(joinPath(frame.path, entry.name), entry, []);
    }
  }

  /** Lists a folder and makes it the one that is walked next; what cannot be listed is held instead. */
  #enter(task: ToWalk, parent: WalkFrame | undefined): void {
    const place = plainPlace(task);
    const found = place === undefined ? undefined : this.#help?.foundIn(place);
    if (found?.isWhole === true && parent !== undefined) {
      this.#enterUnchanged(task, parent, found);
      return;
    }
    const { only } = task;
    const layers: DirListing[] = [];
    let rules = parent?.rules ?? this.#patterns;
    for (const diskPath of task.diskPaths) {
      try {
        const listing = only === undefined ? this.#disk.list(diskPath) : this.#listOnly(diskPath, only);
        layers.push(listing);
        if (only !== undefined || listing.names.includes(IGNORE_FILE_NAME)) {
          const text = readIgnoreFile(this.#disk, this.#below(diskPath, IGNORE_FILE_NAME));
          rules = text === undefined ? rules : rules.withFile(task.path, text);
        }
      } catch (thrown) {
        this.#cannotEnter(task, diskPath, thrown);
        return;
      }
    }
    if (task.path !== '') {
      this.#report.dirs++;
      const diskPath = task.diskPaths[0];
      if (!task.isKnown && diskPath !== undefined) {
        this.#report.add({ type: 'dir', path: task.path, diskPath });
      }
    }
    const names = namesOf(task, layers);
    const known =
      only === undefined
        ? KnownNames.inFolder(this.#known, task.path)
        : KnownNames.of(this.#knownAmong(task.path, only.children.keys()));
    const [diskPath] = task.diskPaths;
    const isPlain = task.diskPaths.length === 1 && (task.roots?.children.size ?? 0) === 0;
    const frame: WalkFrame = {
      ...task,
      kind: 'walk',
      parent,
      rules,
      isIgnored: ignoredBelow(task.path, rules),
      plainPrefix: isPlain && diskPath !== undefined ? this.#below(diskPath, '') : undefined,
      names,
      next: 0,
      shared: place !== undefined && rules === this.#patterns ? new SharedNames(place, names) : undefined,
      known,
      missing: undefined,
      below: [],
      nextBelow: 0,
      offeredFrom: Number.POSITIVE_INFINITY,
    };
    this.#stack.push(frame);
    for (const name of layers.flatMap((layer) => layer.undecodable)) {
      this.#lookAtUndecodable(frame, name);
    }
    if (frame.shared !== undefined) {
      this.#skip(frame, found);
      this.#share(frame, Number.POSITIVE_INFINITY);
    }
  }

  /** Nothing to look at but the folders in it. */
  #enterUnchanged(task: ToWalk, parent: WalkFrame, found: UnchangedFolder): void {
    this.#report.dirs++;
    this.#countFound(found);
    this.#stack.push({
      ...task,
      kind: 'walk',
      parent,
      rules: parent.rules,
      isIgnored: () => false,
      plainPrefix: undefined,
      names: [],
      next: 0,
      shared: undefined,
      known: KnownNames.of([]),
      missing: [],
      below: this.#foldersIn(task, found),
      nextBelow: 0,
      offeredFrom: Number.POSITIVE_INFINITY,
    });
  }

  #cannotEnter(task: ToWalk, diskPath: string, thrown: unknown): void {
    if (this.#roots.statOf(diskPath) !== undefined) {
      throw rootError(thrown, diskPath);
    }
    // Gone since its parent was listed? The next scan sees the whole of it.
    if (!isMissing(thrown)) {
      this.#report.hold(task.path, diskPath, fileError(thrown, diskPath));
    }
  }

  /** The names asked for. Whether they are there shows when each is looked at, but for disks that fold case. */
  #listOnly(diskPath: string, only: OnlyNode): DirListing {
    const asked = [...only.children.keys()];
    if (this.#disk.caseSensitive) {
      return { names: asked, undecodable: [] };
    }
    const listed = new Set(this.#disk.list(diskPath).names);
    return { names: asked.filter((name) => listed.has(name)), undecodable: [] };
  }

  *#knownAmong(dir: string, names: Iterable<string>): Generator<KnownEntry> {
    for (const name of names) {
      const entry = this.#known.entryOf(dir, name);
      if (entry !== undefined) {
        yield entry;
      }
    }
  }

  #look(frame: WalkFrame, name: string): void {
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
      const diskPath = this.#below(frame.diskPaths[layer] ?? '', name);
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
    if (this.#help && ++this.#untouched === HELP_AFTER_FILES) {
      this.#help.isWanted = true;
    }
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

  #lookAtUndecodable(frame: WalkFrame, shown: string): void {
    const path = joinPath(frame.path, shown);
    const diskPath = this.#below(frame.diskPaths[0] ?? '', shown);
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

  /** Known, but not on the disk: gone, unless the rules say that it is none of our business. */
  #reportMissing(frame: WalkFrame, entry: KnownEntry): void {
    const path = joinPath(frame.path, entry.name);
    if (!frame.isIgnored(entry.name, entry.kind === 'dir')) {
      this.#reportGone(path, entry, []);
    }
  }

  #reportGone(path: string, entry: KnownEntry, then: readonly TreeChange[]): void {
    // A folder that was held may be remembered as a file without a stamp: there can be rows below it all the same.
    const left = entry.kind === 'dir' || entry.stamp === '' ? [...this.#known.entriesOf(path)] : [];
    if (left.length > 0) {
      this.#stack.push({ kind: 'gone', path, wasDir: entry.kind === 'dir', left, then });
      return;
    }
    this.#report.gone(path, entry.kind === 'dir');
    this.#report.add(...then);
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

  #below(diskDir: string, name: string): string {
    const { separator } = this.#disk;
    return diskDir.endsWith(separator) ? diskDir + name : diskDir + separator + name;
  }
}

/**
 * Whether patterns leave out an entry of the folder. A folder that is left out itself, as a root's prefix may be, takes
 * all that is in it along.
 */
function ignoredBelow(path: string, rules: IgnoreRules): (name: string, isDir: boolean) => boolean {
  const test = rules.tester();
  const isAll = path !== '' && test(path, true).ignored;
  return (name, isDir) => (isAll || rules.mayIgnore(name)) && test(joinPath(path, name), isDir).ignored;
}

/** A folder that the journal knows and that is one on the disk, too: nothing lies over or below it, all of it is looked at. */
function plainPlace({ path, diskPaths, roots, only, isKnown }: ToWalk): FolderPlace | undefined {
  const [diskPath] = diskPaths;
  const isPlain = diskPaths.length === 1 && (roots?.children.size ?? 0) === 0 && only === undefined;
  return isPlain && isKnown && diskPath !== undefined ? { path, diskPath } : undefined;
}

/** The names of all layers, and of roots that lie right below; without copying them where there is but one layer. */
function namesOf(task: ToWalk, layers: readonly DirListing[]): readonly string[] {
  const { only } = task;
  const roots = [...(task.roots?.children.keys() ?? [])].filter(
    (name) => only === undefined || only.children.has(name),
  );
  const [first] = layers;
  return first !== undefined && layers.length === 1 && roots.length === 0
    ? first.names
    : [...new Set([...roots, ...layers.flatMap((layer) => layer.names)])];
}

function linkError(message: string, diskPath: string): KeepsyncError {
  return new KeepsyncError('FILE_KIND', `${message}: ${diskPath}`, {
    action: 'Leave the link out, or replace it by what it should lead to.',
  });
}

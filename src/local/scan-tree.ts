import { EntryLook } from './entry-look.ts';
import { fileError } from './file-errors.ts';
import { IGNORE_FILE_NAME, IgnoreRules } from './ignore-rules.ts';
import { KnownNames } from './known-names.ts';
import type { KnownEntry, KnownTree, ScanRequest, ScanTotals, TreeChange } from './ports.ts';
import { readIgnoreFile } from './read-files.ts';
import type { ScanHelp } from './scan-help.ts';
import { BATCH_MAX_CHANGES, ScanReport } from './scan-report.ts';
import { rootError, ScanRoots } from './scan-roots.ts';
import { type DirListing, diskPathBelow, isMissing, type SyncDisk } from './sync-disk.ts';
import { joinPath, type OnlyNode, plantOnly } from './tree-roots.ts';
import type { UnchangedFolder } from './unchanged-folder.ts';
import { type GoneFrame, plainDiskPath, plainPlace, type ToWalk, type WalkFrame } from './walk-frame.ts';
import { HELP_AFTER_FILES, WalkHelp } from './walk-help.ts';

/** Entries looked at in one go. */
const STRIDE_ENTRIES = 250;
/** Entries after which a batch is handed out whatever is in it, for the caller to breathe and to stop the scan. */
const BREATHE_AFTER_ENTRIES = 2_000;

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
    // the first ones are short, for help to be asked for soon
    const breath = lookedAt < BREATHE_AFTER_ENTRIES ? HELP_AFTER_FILES : BREATHE_AFTER_ENTRIES;
    while (report.changeCount >= BATCH_MAX_CHANGES || report.entriesSeen - lookedAt >= breath) {
      lookedAt = report.entriesSeen;
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
  readonly #roots: ScanRoots;
  readonly #report: ScanReport;
  readonly #help: WalkHelp;
  readonly #entries: EntryLook;
  /** Without those of ignore files. */
  readonly #patterns: IgnoreRules;
  readonly #stack: Array<WalkFrame | GoneFrame> = [];
  #waiting: { readonly task: ToWalk; readonly parent: WalkFrame | undefined } | undefined;

  constructor(
    disk: SyncDisk,
    known: KnownTree,
    request: ScanRequest,
    roots: ScanRoots,
    report: ScanReport,
    help: ScanHelp | undefined,
  ) {
    this.#disk = disk;
    this.#known = known;
    this.#roots = roots;
    this.#report = report;
    this.#patterns = IgnoreRules.of(request.rules.patterns);
    this.#help = new WalkHelp(help, disk, report, this.#patterns);
    this.#entries = new EntryLook(disk, request.rules, roots, report, this.#help, (path, entry, then) =>
      this.#reportGone(path, entry, then),
    );
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
    const end = Math.min(frame.next + STRIDE_ENTRIES, frame.shared?.end ?? frame.names.length);
    while (frame.next < end && this.#stack.length === top) {
      const name = frame.names[frame.next++];
      if (name !== undefined) {
        this.#report.entriesSeen++;
        this.#entries.look(frame, name);
      }
    }
    this.#help.offerAbove(this.#stack);
    this.#help.share(frame);
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
    this.#help.offerBelow(frame);
    const task = frame.below[frame.nextBelow++];
    if (task === undefined) {
      this.#stack.pop();
    } else {
      this.#waiting = { task, parent: frame };
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
      this.#report.entriesSeen++;
      this.#reportGone(joinPath(frame.path, entry.name), entry, []);
    }
  }

  /** Lists a folder and makes it the one that is walked next; what cannot be listed is held instead. */
  #enter(task: ToWalk, parent: WalkFrame | undefined): void {
    const place = plainPlace(task);
    const found = this.#help.foundIn(place);
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
          const text = readIgnoreFile(this.#disk, diskPathBelow(this.#disk, diskPath, IGNORE_FILE_NAME));
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
    const diskPath = plainDiskPath(task);
    const frame: WalkFrame = {
      ...task,
      kind: 'walk',
      parent,
      rules,
      isIgnored: ignoredBelow(task.path, rules),
      plainPrefix: diskPath === undefined ? undefined : diskPathBelow(this.#disk, diskPath, ''),
      names,
      next: 0,
      shared: this.#help.sharedNames(place, rules, names),
      known,
      missing: undefined,
      below: [],
      nextBelow: 0,
      offeredFrom: Number.POSITIVE_INFINITY,
    };
    this.#stack.push(frame);
    for (const name of layers.flatMap((layer) => layer.undecodable)) {
      this.#entries.lookAtUndecodable(frame, name);
    }
    if (frame.shared !== undefined) {
      this.#help.skip(frame, found);
      this.#help.share(frame);
    }
  }

  /** Nothing to look at but the folders in it. */
  #enterUnchanged(task: ToWalk, parent: WalkFrame, found: UnchangedFolder): void {
    this.#report.dirs++;
    this.#help.count(found);
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
      below: this.#help.foldersIn(task, found),
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

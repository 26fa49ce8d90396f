import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { IgnoreRules } from './ignore-rules.ts';
import type { KnownTree, TreeRules } from './ports.ts';
import type { ScanDisk } from './sync-disk.ts';
import {
  type FolderPlace,
  type FolderSlice,
  type UnchangedFolder,
  unchangedFolder,
  unchangedSlice,
} from './unchanged-folder.ts';

/** Folders, or slices of one, that a helper may have before it: one that it looks at, and the next. */
const OFFERS = 2;
/** What stands in the shared memory: how many answers were given, then the state of each offer. */
const STATES_AT = 1;
const OFFERED = 1;
const TAKEN = 2;
const WITHDRAWN = 3;
/** The walk has come to it: what was looked at until now is enough. */
const ENOUGH = 4;
/**
 * In one folder. A helper looks at a folder in one go, and it may be the watcher's thread, which has to hear the system
 * again soon: this takes a tenth of a second.
 */
const ENTRIES_MAX = 50_000;
/** Names of one folder that are offered in one go: some milliseconds. */
const SLICE_NAMES = 500;
/** How long a walker waits for a folder that its helper has begun with, before it looks itself. */
const WAIT_MS = 100;
const WAITS = 30;

/** A folder, or some names of one. */
export type HelpTask = FolderPlace | FolderSlice;

/** No path has two separators side by side, and no name has one. */
export const keyOf = (task: HelpTask) => ('names' in task ? `${task.path}//${task.after}` : task.path);

/** Names as one text: a message of one is a third of the work. */
type Offer = FolderPlace & {
  readonly slot: number;
  readonly slice: { readonly after: string; readonly names: string } | undefined;
};
type Answer = { readonly slot: number; readonly found: UnchangedFolder | undefined };

/** The two ends of a line between a walker and its helper; the shared memory tells who has begun with what. */
export interface HelpLine {
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
}

export const sharedHelpMemory = () => new SharedArrayBuffer(4 * (STATES_AT + OFFERS));

/** Somebody who looks at folders ahead of a walk. */
export interface ScanHelp {
  /** Set by the walk when it has found so much unchanged that help is of use. */
  isWanted: boolean;
  readonly hasRoom: boolean;
  /** So many names make a slice. */
  readonly sliceNames: number;
  offer(task: HelpTask): void;
  /**
   * What was found in what was offered, or in the beginning of it, if nothing changed there; what is missing the walk looks
   * at itself.
   */
  foundIn(task: HelpTask): UnchangedFolder | undefined;
}

/** The walker's end. It never gives way to the event loop, so it fetches the answers itself. */
class HelpByPort {
  readonly #port: MessagePort;
  readonly #shared: Int32Array;
  readonly #free = Array.from({ length: OFFERS }, (_, slot) => slot);
  readonly #offered = new Map<string, number>();
  readonly #found = new Map<string, UnchangedFolder | undefined>();

  constructor({ port, shared }: HelpLine) {
    this.#port = port;
    this.#shared = new Int32Array(shared);
  }

  get hasRoom(): boolean {
    this.#fetch();
    return this.#free.length > 0;
  }

  offer(task: HelpTask): void {
    const slot = this.#free.pop();
    if (slot !== undefined) {
      const { path, diskPath } = task;
      const slice = 'names' in task ? { after: task.after, names: task.names.join('/') } : undefined;
      this.#offered.set(keyOf(task), slot);
      Atomics.store(this.#shared, STATES_AT + slot, OFFERED);
      this.#port.postMessage({ slot, path, diskPath, slice } satisfies Offer);
    }
  }

  foundIn(task: HelpTask): UnchangedFolder | undefined {
    const key = keyOf(task);
    for (let waits = 0; waits < WAITS; waits++) {
      const answers = Atomics.load(this.#shared, 0);
      this.#fetch();
      const slot = this.#offered.get(key);
      if (slot === undefined) {
        const found = this.#found.get(key);
        this.#found.delete(key);
        return found;
      }
      if (Atomics.compareExchange(this.#shared, STATES_AT + slot, OFFERED, WITHDRAWN) === OFFERED) {
        break;
      }
      Atomics.compareExchange(this.#shared, STATES_AT + slot, TAKEN, ENOUGH);
      Atomics.wait(this.#shared, 0, answers, WAIT_MS);
    }
    // the slot comes back with an answer that nobody asks for any more
    this.#offered.delete(key);
    return undefined;
  }

  close(): void {
    this.#port.close();
  }

  #fetch(): void {
    for (
      let next = receiveMessageOnPort(this.#port);
      next !== undefined;
      next = receiveMessageOnPort(this.#port)
    ) {
      const { slot, found } = next.message as Answer;
      this.#free.push(slot);
      for (const [key, its] of this.#offered) {
        if (its === slot) {
          this.#offered.delete(key);
          this.#found.set(key, found);
        }
      }
    }
  }
}

/** The helper's end: looks at what it is offered, until the line is closed. */
export function serveHelp(line: HelpLine, disk: ScanDisk, known: () => KnownTree, rules: TreeRules): void {
  const shared = new Int32Array(line.shared);
  const patterns = IgnoreRules.of(rules.patterns);
  line.port.on('message', ({ slot, path, diskPath, slice }: Offer) => {
    const state = Atomics.compareExchange(shared, STATES_AT + slot, OFFERED, TAKEN);
    const isEnough = () => Atomics.load(shared, STATES_AT + slot) === ENOUGH;
    const look = () => {
      const comparison = { disk, known: known(), rules, patterns, isEnough };
      return slice === undefined
        ? unchangedFolder(comparison, { path, diskPath }, ENTRIES_MAX)
        : unchangedSlice(comparison, { path, diskPath, after: slice.after, names: slice.names.split('/') });
    };
    const found = state === OFFERED ? orUndefined(look) : undefined;
    line.port.postMessage({ slot, found } satisfies Answer);
    Atomics.add(shared, 0, 1);
    Atomics.notify(shared, 0);
  });
  line.port.unref();
}

/** Whatever keeps the helper from looking, the walker meets it itself, and reports it. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Help that comes when a scan turns out to be a long one. */
export class LateHelp implements ScanHelp {
  #help: HelpByPort | undefined;
  isWanted = false;
  readonly sliceNames = SLICE_NAMES;

  get hasRoom(): boolean {
    return this.#help?.hasRoom ?? false;
  }

  arrive(line: HelpLine): void {
    this.#help = new HelpByPort(line);
  }

  offer(task: HelpTask): void {
    this.#help?.offer(task);
  }

  foundIn(task: HelpTask): UnchangedFolder | undefined {
    return this.#help?.foundIn(task);
  }

  close(): void {
    this.#help?.close();
  }
}

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { IgnoreRules } from './ignore-rules.ts';
import type { KnownTree, TreeRules } from './ports.ts';
import type { ScanDisk } from './sync-disk.ts';
import { type FolderPlace, type UnchangedFolder, unchangedFolder } from './unchanged-folder.ts';

/** Folders that a helper may have before it: one that it looks at, and the next. */
const OFFERS = 2;
/** What stands in the shared memory: how many answers were given, then the state of each offer. */
const STATES_AT = 1;
const OFFERED = 1;
const TAKEN = 2;
const WITHDRAWN = 3;
/**
 * In one folder. A helper looks at a folder in one go, and it may be the watcher's thread, which has to hear the system
 * again soon: this takes a tenth of a second.
 */
const ENTRIES_MAX = 50_000;
/** How long a walker waits for a folder that its helper has begun with, before it looks itself. */
const WAIT_MS = 100;
const WAITS = 30;

type Offer = FolderPlace & { readonly slot: number };
type Answer = { readonly slot: number; readonly path: string; readonly found: UnchangedFolder | undefined };

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
  offer(place: FolderPlace): void;
  /** What was found in a folder that was offered, if nothing changed there; else the walk looks itself. */
  foundIn(path: string): UnchangedFolder | undefined;
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

  offer(place: FolderPlace): void {
    const slot = this.#free.pop();
    if (slot !== undefined) {
      this.#offered.set(place.path, slot);
      Atomics.store(this.#shared, STATES_AT + slot, OFFERED);
      this.#port.postMessage({ ...place, slot } satisfies Offer);
    }
  }

  foundIn(path: string): UnchangedFolder | undefined {
    for (let waits = 0; waits < WAITS; waits++) {
      const answers = Atomics.load(this.#shared, 0);
      this.#fetch();
      const slot = this.#offered.get(path);
      if (slot === undefined) {
        const found = this.#found.get(path);
        this.#found.delete(path);
        return found;
      }
      if (Atomics.compareExchange(this.#shared, STATES_AT + slot, OFFERED, WITHDRAWN) === OFFERED) {
        break;
      }
      Atomics.wait(this.#shared, 0, answers, WAIT_MS);
    }
    // the slot comes back with an answer that nobody asks for any more
    this.#offered.delete(path);
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
      const { slot, path, found } = next.message as Answer;
      this.#free.push(slot);
      if (this.#offered.get(path) === slot) {
        this.#offered.delete(path);
        this.#found.set(path, found);
      }
    }
  }
}

/** The helper's end: looks at what it is offered, until the line is closed. */
export function serveHelp(line: HelpLine, disk: ScanDisk, known: () => KnownTree, rules: TreeRules): void {
  const shared = new Int32Array(line.shared);
  const patterns = IgnoreRules.of(rules.patterns);
  line.port.on('message', ({ slot, path, diskPath }: Offer) => {
    const state = Atomics.compareExchange(shared, STATES_AT + slot, OFFERED, TAKEN);
    const look = () => unchangedFolder(disk, known(), rules, patterns, { path, diskPath }, ENTRIES_MAX);
    const found = state === OFFERED ? orUndefined(look) : undefined;
    line.port.postMessage({ slot, path, found } satisfies Answer);
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

  get hasRoom(): boolean {
    return this.#help?.hasRoom ?? false;
  }

  arrive(line: HelpLine): void {
    this.#help = new HelpByPort(line);
  }

  offer(place: FolderPlace): void {
    this.#help?.offer(place);
  }

  foundIn(path: string): UnchangedFolder | undefined {
    return this.#help?.foundIn(path);
  }

  close(): void {
    this.#help?.close();
  }
}

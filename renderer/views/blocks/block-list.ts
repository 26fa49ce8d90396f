import { type BlockRow, STAGES, type Stage } from '../../../src/contract/status.ts';
import type { Bridge } from '../../bridge.ts';

/** The largest page that the contract allows; a 1 TiB folder has 16,384 blocks. */
const PAGE_ROWS = 20_000;
/** A block holds at most this much, so what waits will fill at least so many. */
export const BLOCK_BYTES = 64 * 1024 * 1024;

const isOnCluster = ({ stage }: BlockRow): boolean => stage === 'stored' || stage === 'saved';

type Counts = Record<Stage, number>;

const noCounts = (): Counts => ({ saved: 0, stored: 0, uploading: 0, filling: 0, waiting: 0, failed: 0 });

/** What changed: indexes of blocks, or the whole list (it grew, or was loaded anew). */
export type BlockChange = readonly number[] | 'all';

/**
 * The blocks of one folder in file order, kept up to date by events. Behind the last one stand places to be filled, as
 * many as the bytes that wait will need. A change costs what changed, not what exists.
 */
export class BlockList {
  readonly #rows: BlockRow[] = [];
  readonly #indexById = new Map<string, number>();
  /** A block has another id once the owner's journal has it; its content stays. */
  readonly #indexByLocator = new Map<string, number>();
  readonly #counts = noCounts();
  readonly #watchers = new Set<(change: BlockChange) => void>();
  #places = 0;
  #loaded = false;
  /** Grows with every change. */
  version = 0;

  /** Whether the first answer came. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Blocks that exist. */
  get rowCount(): number {
    return this.#rows.length;
  }

  /** Blocks that exist and places to be filled. */
  get length(): number {
    return this.#rows.length + this.#places;
  }

  rowAt(index: number): BlockRow | null {
    return this.#rows[index] ?? null;
  }

  stageAt(index: number): Stage {
    return this.#rows[index]?.stage ?? 'waiting';
  }

  /** How full a block is, 0 … 1. */
  levelAt(index: number): number {
    const row = this.#rows[index];
    return row === undefined || row.capacityBytes === 0 ? 0 : row.sizeBytes / row.capacityBytes;
  }

  counts(): Readonly<Counts> {
    return { ...this.#counts, waiting: this.#counts.waiting + this.#places };
  }

  /** Calls back after each change. Returns the way to stop. */
  subscribe(watcher: (change: BlockChange) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The bytes of the folder that have not been read into any block. */
  setWaitingBytes(bytes: number): void {
    const places = Math.ceil(bytes / BLOCK_BYTES);
    if (places !== this.#places) {
      this.#places = places;
      this.#tell('all');
    }
  }

  /** Rows as the `blocks` event gives them: known ones are replaced, new ones come last. */
  apply(rows: readonly BlockRow[]): void {
    const changed: number[] = [];
    let grew = false;
    for (const row of rows) {
      const index = this.#indexOf(row);
      if (index === undefined) {
        this.#place(row, this.#rows.length);
        grew = true;
      } else {
        this.#counts[this.stageAt(index)] -= 1;
        this.#place(row, index);
        changed.push(index);
      }
      this.#counts[row.stage] += 1;
    }
    if (grew) {
      this.#tell('all');
    } else if (changed.length > 0) {
      this.#tell(changed);
    }
  }

  /**
   * The whole list, as `blocks.list` gives it. Blocks that were known keep their order, so that nobody loses their place;
   * before the first list there is none, and those that are stored come first, as they were stored.
   */
  replace(rows: readonly BlockRow[]): void {
    const known: BlockRow[] = [];
    const fresh: BlockRow[] = [];
    for (const row of rows) {
      const index = this.#indexOf(row);
      if (index === undefined || known[index] !== undefined) {
        fresh.push(row);
      } else {
        known[index] = row;
      }
    }
    fresh.sort((a, b) => Number(!isOnCluster(a)) - Number(!isOnCluster(b)) || a.sinceMs - b.sinceMs);
    this.#rows.length = 0;
    this.#indexById.clear();
    this.#indexByLocator.clear();
    for (const stage of STAGES) {
      this.#counts[stage] = 0;
    }
    this.#loaded = true;
    // places of blocks that are gone are left out
    this.apply([...known.filter((row) => row !== undefined), ...fresh]);
    this.#tell('all');
  }

  /** Loads every block of a folder and follows its changes until the returned function is called. */
  follow(bridge: Bridge, folderId: string, onError: (thrown: unknown) => void): () => void {
    let stopped = false;
    const stopEvents = bridge.subscribe('blocks', (rows) =>
      this.apply(rows.filter((row) => row.folderId === folderId)),
    );
    const load = async () => {
      const rows: BlockRow[] = [];
      for (;;) {
        const page = await bridge.run('blocks.list', { folderId, offset: rows.length, limit: PAGE_ROWS });
        rows.push(...page.rows);
        if (stopped) {
          return;
        }
        if (rows.length >= page.total || page.rows.length === 0) {
          this.replace(rows);
          return;
        }
      }
    };
    const loadOrTell = () => {
      load().catch((thrown: unknown) => {
        if (!stopped) {
          onError(thrown);
        }
      });
    };
    const stopConnection = bridge.connection.subscribe(() => {
      if (bridge.connection.state() === 'open') {
        loadOrTell();
      }
    });
    loadOrTell();
    return () => {
      stopped = true;
      stopEvents();
      stopConnection();
    };
  }

  /** Where a block is: by its id, and once the cluster has it also by its content. */
  #indexOf(row: BlockRow): number | undefined {
    const byId = this.#indexById.get(row.id);
    return byId === undefined && row.locator !== null && isOnCluster(row)
      ? this.#indexByLocator.get(row.locator)
      : byId;
  }

  #place(row: BlockRow, index: number): void {
    this.#rows[index] = row;
    this.#indexById.set(row.id, index);
    if (row.locator !== null) {
      this.#indexByLocator.set(row.locator, index);
    }
  }

  #tell(change: BlockChange): void {
    this.version += 1;
    for (const watcher of this.#watchers) {
      watcher(change);
    }
  }
}

import { type BlockRow, STAGES, type Stage } from '../../../src/contract/status.ts';
import type { Bridge } from '../../bridge.ts';

/** The largest page that the contract allows; a 1 TiB folder has 16,384 blocks. */
const PAGE_ROWS = 20_000;
/** A block holds at most this much, so what waits will fill at least so many. */
export const BLOCK_BYTES = 64 * 1024 * 1024;

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

  /** Rows as `blocks.list` or the `blocks` event gives them: known ones are replaced, new ones come last. */
  apply(rows: readonly BlockRow[]): void {
    const changed: number[] = [];
    let grew = false;
    for (const row of rows) {
      const index = this.#indexById.get(row.id);
      if (index === undefined) {
        this.#indexById.set(row.id, this.#rows.length);
        this.#rows.push(row);
        grew = true;
      } else {
        this.#counts[this.stageAt(index)] -= 1;
        this.#rows[index] = row;
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

  /** Loads every block of a folder and follows its changes until the returned function is called. */
  follow(bridge: Bridge, folderId: string, onError: (thrown: unknown) => void): () => void {
    let stopped = false;
    const stopEvents = bridge.subscribe('blocks', (rows) =>
      this.apply(rows.filter((row) => row.folderId === folderId)),
    );
    const load = async () => {
      for (let offset = 0; !stopped; offset += PAGE_ROWS) {
        const page = await bridge.run('blocks.list', { folderId, offset, limit: PAGE_ROWS });
        if (stopped) {
          return;
        }
        if (offset === 0) {
          this.#replace(page.rows);
        } else {
          this.apply(page.rows);
        }
        if (offset + page.rows.length >= page.total || page.rows.length === 0) {
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

  #replace(rows: readonly BlockRow[]): void {
    this.#rows.length = 0;
    this.#indexById.clear();
    for (const stage of STAGES) {
      this.#counts[stage] = 0;
    }
    this.#loaded = true;
    this.apply(rows);
    this.#tell('all');
  }

  #tell(change: BlockChange): void {
    this.version += 1;
    for (const watcher of this.#watchers) {
      watcher(change);
    }
  }
}

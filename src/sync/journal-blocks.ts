import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parseLocator, signatureExpiryMs } from '../keep/locator.ts';
import type { AcknowledgedBlock } from './journal-port.ts';
import { blockIdsOf, type SegmentsText } from './journal-segments.ts';
import { damaged, sumOf } from './journal-sums.ts';
import type { Tallies } from './journal-tallies.ts';

/** A row of the block table. */
export interface BlockRow {
  readonly id: number;
  readonly folder_id: number;
  /** Without hints. */
  readonly md5size: string;
  readonly size: number;
  /** Signed, where the cluster signs. */
  readonly locator: string;
  readonly expires_ms: number;
  readonly stored_ms: number;
  /** Files in state `stored` that use the block; files whose saved content does; pieces of large files under way. */
  readonly stored_refs: number;
  readonly saved_refs: number;
  readonly piece_refs: number;
  /** Files that use it in either way. */
  readonly files: number;
  /** Ids of up to three entries that were stored with it, with commas. */
  readonly examples: string;
}

/** Locators of a cluster that does not sign never run out; any time after the year 10000 says so. */
const NEVER_MS = 300_000_000_000_000;

/** Unused blocks removed in one go. */
const SWEEP_BLOCKS = 1_000;

interface RefChange {
  stored: number;
  saved: number;
  piece: number;
  files: number;
}

/** What of an entry decides which blocks it uses. */
interface BlockUse {
  readonly state: string;
  readonly segments: SegmentsText | null;
  readonly saved_segments: SegmentsText | null;
}

const COLUMNS =
  'id, folder_id, md5size, size, locator, expires_ms, stored_ms, stored_refs, saved_refs, piece_refs, files, examples';

/**
 * When the signature ends, by this computer's clock. Of one that was made just now the clocks may disagree: by a clock
 * that is ahead, every block would count as expired and be sent for ever.
 */
function expiryOf(
  block: Pick<AcknowledgedBlock, 'locator' | 'reused' | 'validForMs'>,
  nowMs: number,
): number {
  const saidMs = signatureExpiryMs(block.locator) ?? NEVER_MS;
  return block.reused || block.validForMs === undefined ? saidMs : Math.max(saidMs, nowMs + block.validForMs);
}

/**
 * The block table: every acknowledged block with its signed locator, and how many rows use it. Changes of use are
 * collected during a transaction and written once per block at its end.
 */
export class BlockTable {
  readonly #tallies: Tallies;
  readonly #changes = new Map<number, RefChange>();
  readonly #byId: StatementSync;
  readonly #byName: StatementSync;
  readonly #anyByName: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #unused: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync, tallies: Tallies) {
    this.#tallies = tallies;
    this.#byId = database.prepare(`SELECT ${COLUMNS}, sum FROM block WHERE id = ?`);
    this.#byName = database.prepare(`SELECT ${COLUMNS}, sum FROM block WHERE md5size = ? AND folder_id = ?`);
    this.#anyByName = database.prepare(`SELECT ${COLUMNS}, sum FROM block WHERE md5size = ?`);
    this.#insert = database.prepare(
      `INSERT INTO block (${COLUMNS}, sum) VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, 0)`,
    );
    this.#update = database.prepare(
      `UPDATE block SET locator = ?, expires_ms = ?, stored_ms = ?, stored_refs = ?, saved_refs = ?, piece_refs = ?,
       files = ?, examples = ?, sum = ? WHERE id = ?`,
    );
    this.#unused = database.prepare(
      `SELECT ${COLUMNS}, sum FROM block WHERE folder_id = ? AND expires_ms < ? AND files = 0 AND piece_refs = 0
       LIMIT ${SWEEP_BLOCKS}`,
    );
    this.#remove = database.prepare('DELETE FROM block WHERE id = ?');
  }

  /** Throws JOURNAL where there is none: whoever asks holds a row that names it. */
  get(blockId: number): BlockRow {
    const block = this.#byId.get(blockId);
    if (block === undefined) {
      throw damaged(`a file names block ${blockId}, which is not there`);
    }
    return checkedBlock(block);
  }

  find(folderId: number, md5size: string): BlockRow | undefined {
    const row = this.#byName.get(md5size, folderId);
    if (row === undefined) {
      return undefined;
    }
    const block = checkedBlock(row);
    if (block.md5size !== md5size || block.folder_id !== folderId) {
      throw damaged('an index leads to the wrong block');
    }
    return block;
  }

  /** The block of that name, of whatever folder, whose signature holds longest. */
  findAnywhere(md5size: string): BlockRow | undefined {
    let best: BlockRow | undefined;
    for (const row of this.#anyByName.all(md5size)) {
      const block = checkedBlock(row);
      if (block.md5size !== md5size) {
        throw damaged('an index leads to the wrong block');
      }
      if (best === undefined || block.expires_ms > best.expires_ms) {
        best = block;
      }
    }
    return best;
  }

  /** Takes a block in, or its fresher signature. Returns its id. */
  record(
    folderId: number,
    block: Pick<AcknowledgedBlock, 'locator' | 'reused' | 'validForMs'>,
    nowMs: number,
    entryIds: readonly number[],
  ): number {
    const { md5, sizeBytes } = parseLocator(block.locator);
    const md5size = `${md5}+${sizeBytes}`;
    const expiresMs = expiryOf(block, nowMs);
    const examples = entryIds.slice(0, 3).join(',');
    const known = this.find(folderId, md5size);
    if (known === undefined) {
      const { lastInsertRowid } = this.#insert.run(
        folderId,
        md5size,
        sizeBytes,
        block.locator,
        expiresMs,
        nowMs,
        examples,
      );
      const id = Number(lastInsertRowid);
      this.#write({
        id,
        folder_id: folderId,
        md5size,
        size: sizeBytes,
        locator: block.locator,
        expires_ms: expiresMs,
        stored_ms: nowMs,
        stored_refs: 0,
        saved_refs: 0,
        piece_refs: 0,
        files: 0,
        examples,
      });
      return id;
    }
    this.#write({
      ...known,
      ...(expiresMs >= known.expires_ms ? { locator: block.locator, expires_ms: expiresMs } : {}),
      ...(block.reused && known.stored_ms > 0 ? {} : { stored_ms: nowMs }),
      ...(examples === '' ? {} : { examples }),
    });
    return known.id;
  }

  /** A fresher signature for a block that is known; false where this one is no fresher. */
  refresh(block: BlockRow, locator: string): boolean {
    const expiresMs = signatureExpiryMs(locator);
    if (expiresMs === undefined || expiresMs <= block.expires_ms) {
      return false;
    }
    this.#write({ ...block, locator, expires_ms: expiresMs });
    return true;
  }

  expire(block: BlockRow): void {
    this.#write({ ...block, expires_ms: 0 });
  }

  /** A row changed from one use of blocks to another. */
  move(before: BlockUse | undefined, after: BlockUse | undefined): void {
    if (
      before?.segments === after?.segments &&
      before?.saved_segments === after?.saved_segments &&
      (before?.state === 'stored') === (after?.state === 'stored')
    ) {
      return;
    }
    this.#count(before, -1);
    this.#count(after, 1);
  }

  movePiece(blockId: number, by: 1 | -1): void {
    this.#change(blockId).piece += by;
  }

  /** Writes the changes of use; called before the transaction commits. */
  flush(): void {
    for (const [blockId, change] of this.#changes) {
      if (change.stored !== 0 || change.saved !== 0 || change.piece !== 0 || change.files !== 0) {
        this.#apply(this.get(blockId), change);
      }
    }
    this.#changes.clear();
  }

  forget(): void {
    this.#changes.clear();
  }

  /** Removes unused blocks whose signature ran out: the cluster may have trashed them. */
  sweep(folderId: number, nowMs: number): void {
    for (const row of this.#unused.all(folderId, nowMs)) {
      const block = checkedBlock(row);
      if (!this.#changes.has(block.id)) {
        this.#remove.run(block.id);
      }
    }
  }

  #count(use: BlockUse | undefined, by: 1 | -1): void {
    if (use === undefined) {
      return;
    }
    const present = blockIdsOf(use.segments);
    const saved = use.saved_segments === use.segments ? present : blockIdsOf(use.saved_segments);
    for (const blockId of present) {
      const change = this.#change(blockId);
      change.stored += use.state === 'stored' ? by : 0;
      change.files += by;
    }
    for (const blockId of saved) {
      const change = this.#change(blockId);
      change.saved += by;
      if (saved !== present && !present.includes(blockId)) {
        change.files += by;
      }
    }
  }

  #change(blockId: number): RefChange {
    let change = this.#changes.get(blockId);
    if (change === undefined) {
      change = { stored: 0, saved: 0, piece: 0, files: 0 };
      this.#changes.set(blockId, change);
    }
    return change;
  }

  #apply(block: BlockRow, change: RefChange): void {
    const after: BlockRow = {
      ...block,
      stored_refs: block.stored_refs + change.stored,
      saved_refs: block.saved_refs + change.saved,
      piece_refs: block.piece_refs + change.piece,
      files: block.files + change.files,
    };
    if (Math.min(after.stored_refs, after.saved_refs, after.piece_refs, after.files) < 0) {
      throw damaged(`the use count of block ${block.id} went below zero`);
    }
    this.#tally(block, -1);
    this.#tally(after, 1);
    this.#write(after);
  }

  #tally(block: BlockRow, by: 1 | -1): void {
    if (block.stored_refs + block.piece_refs > 0) {
      this.#tallies.add(block.folder_id, 'storedBlocks', by, by * block.size);
    }
    if (block.saved_refs > 0) {
      this.#tallies.add(block.folder_id, 'savedBlocks', by, by * block.size);
    }
  }

  #write(block: BlockRow): void {
    this.#update.run(
      block.locator,
      block.expires_ms,
      block.stored_ms,
      block.stored_refs,
      block.saved_refs,
      block.piece_refs,
      block.files,
      block.examples,
      blockSum(block),
      block.id,
    );
  }
}

function blockSum(row: BlockRow): number {
  return sumOf([
    row.id,
    row.folder_id,
    row.md5size,
    row.size,
    row.locator,
    row.expires_ms,
    row.stored_ms,
    row.stored_refs,
    row.saved_refs,
    row.piece_refs,
    row.files,
    row.examples,
  ]);
}

/** A row of the block table as it was read; throws JOURNAL where its checksum does not fit. */
export function checkedBlock(row: Record<string, unknown>): BlockRow {
  const block = row as unknown as BlockRow;
  if (blockSum(block) !== row.sum) {
    throw damaged(`block row ${String(row.id)} does not have its checksum`);
  }
  return block;
}

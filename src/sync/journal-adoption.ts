import type { StatementSync } from 'node:sqlite';
import { KeepsyncError } from '../base/errors.ts';
import { settle } from './journal-compare.ts';
import { pendingFileOf } from './journal-moves.ts';
import type { AdoptableBlock, AdoptionVerdict, PendingFile, Tally } from './journal-port.ts';
import { ancestorsOf, checkedEntry, ENTRY_COLUMNS, type EntryRow } from './journal-rows.ts';
import { contentSizeBytes, formatSegments, parseContent, SAVED_DIR } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';

/**
 * Ranges that are planned in one go, by path, so that memory stays bounded (some 50 MiB). Files that lie next to each
 * other are mostly in the same blocks; a block that a cut goes through is downloaded to be compared.
 */
const WINDOW_RANGES = 250_000;

/** Rows looked at between two looks at how many ranges there are. */
const PAGE_ROWS = 1_000;

/** A due file waits at most so long for others in its block that are not: the longest calm period by default. */
const RIPE_AFTER_MS = 120_000;

interface PlannedFile extends PendingFile {
  readonly content: string;
  /** Null: not due yet. */
  readonly dueSinceMs: number | null;
  /** Of the ranges, those that nothing is known of yet. */
  rangesLeft: number;
  isSpoilt: boolean;
}

interface PlannedRange {
  readonly file: PlannedFile;
  readonly position: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

interface Plan {
  /** States whose rows are still to be looked at, and the path of the last row of the first of them that was. */
  readonly states: Array<'pending' | 'failed'>;
  dir: string;
  name: string;
  readonly blocks: Map<string, PlannedRange[]>;
  /** What was handed out and has no verdicts yet. */
  current: readonly PlannedRange[];
}

/** Whether the collection has a file of that size at the path, and nobody has compared them yet. */
export function mayBeAdopted(store: JournalStore, row: EntryRow, path: string): boolean {
  const content = store.foreign.contentAt(row.folder_id, path);
  return (
    content !== undefined && row.kind === 'file' && row.stamp !== '' && contentSizeBytes(content) === row.size
  );
}

/**
 * Files that wait to be read and that the collection has already, as far as path and size tell: which ranges of which
 * blocks prove it. Everything but the constructor runs in a transaction.
 */
export class AdoptionPlans {
  readonly #store: JournalStore;
  readonly #plans = new Map<number, Plan>();
  readonly #candidates: StatementSync;

  constructor(store: JournalStore) {
    this.#store = store;
    // The files that wait are mostly fewer than those of others; each is looked up by its path.
    this.#candidates = store.database.prepare(
      `SELECT ${ENTRY_COLUMNS.replaceAll(/\w+/g, 'entry.$&')}, content FROM entry INDEXED BY entry_unsaved
       CROSS JOIN foreign_path USING (folder_id, dir, name)
       WHERE entry.folder_id = ? AND state = ? AND state <> 'saved' AND kind = 'file' AND content IS NOT NULL
       AND (dir, name) > (?, ?) ORDER BY dir, name LIMIT ${PAGE_ROWS}`,
    );
  }

  begin(folderId: number, nowMs: number): number {
    const plan: Plan = { states: ['pending', 'failed'], dir: '', name: '', blocks: new Map(), current: [] };
    this.#plans.set(folderId, plan);
    return this.#fill(folderId, plan, nowMs);
  }

  next(folderId: number, nowMs: number): AdoptableBlock | undefined {
    const plan = this.#plans.get(folderId);
    if (plan === undefined) {
      return undefined;
    }
    for (;;) {
      for (const [md5size, ranges] of plan.blocks) {
        plan.blocks.delete(md5size);
        // What is not due helps to cover a block, and is not looked at for itself.
        if (ranges.some(({ file }) => !file.isSpoilt && file.dueSinceMs !== null)) {
          plan.current = ranges.sort((a, b) => a.offset - b.offset || b.lengthBytes - a.lengthBytes);
          return this.#described(folderId, md5size, plan.current, nowMs);
        }
      }
      if (plan.states.length === 0) {
        this.#plans.delete(folderId);
        return undefined;
      }
      this.#fill(folderId, plan, nowMs);
    }
  }

  record(
    folderId: number,
    verdicts: readonly AdoptionVerdict[],
    nowMs: number,
  ): { adopted: Tally; refused: number } {
    const plan = this.#plans.get(folderId);
    if (plan === undefined || verdicts.length !== plan.current.length) {
      throw new KeepsyncError('STATE', 'These are not the verdicts on what was handed out to be compared');
    }
    const ranges = plan.current;
    plan.current = [];
    const isUnsure = this.#isUnsure(folderId);
    let files = 0;
    let bytes = 0;
    let refused = 0;
    for (const [index, { file, lengthBytes }] of ranges.entries()) {
      const verdict = verdicts[index];
      if (verdict?.outcome !== 'equal') {
        this.#spoil(folderId, file, verdict?.outcome !== 'unread');
        continue;
      }
      file.rangesLeft -= 1;
      if (file.rangesLeft > 0 || file.isSpoilt) {
        continue;
      }
      if (isUnsure) {
        refused += 1;
      } else if (this.#adopt(folderId, file, lengthBytes === file.sizeBytes ? verdict.digest : null, nowMs)) {
        files += 1;
        bytes += file.sizeBytes;
      }
    }
    return { adopted: { files, bytes }, refused };
  }

  /** Whether the collection may be something else than what the last look found, by a save of ours or beside one. */
  #isUnsure(folderId: number): boolean {
    const { sent, folders } = this.#store;
    return sent.isUnsure(folderId) || folders.get(folderId).remotePdh === null;
  }

  forgetFolder(folderId: number): void {
    this.#plans.delete(folderId);
  }

  /** Plans the next files, up to the limit; returns how many of them are to be compared. */
  #fill(folderId: number, plan: Plan, nowMs: number): number {
    let files = 0;
    let ranges = 0;
    while (plan.states.length > 0 && ranges < WINDOW_RANGES) {
      for (const { row, content } of this.#page(folderId, plan)) {
        const file = this.#planned(row, content, nowMs);
        if (file === undefined) {
          continue;
        }
        if (file.rangesLeft === 0) {
          // Its size says all. While the outcome of a save is unknown it waits, as all others do.
          if (!this.#isUnsure(folderId)) {
            this.#adopt(folderId, file, null, nowMs);
          }
          continue;
        }
        let position = 0;
        for (const { md5size, offset, length } of parseContent(content)) {
          const block = plan.blocks.get(md5size) ?? [];
          plan.blocks.set(md5size, block);
          block.push({ file, position, offset, lengthBytes: length });
          position += length;
        }
        files += 1;
        ranges += file.rangesLeft;
      }
    }
    return files;
  }

  #page(folderId: number, plan: Plan): Array<{ row: EntryRow; content: string }> {
    const [state = 'pending'] = plan.states;
    const found = this.#candidates.all(folderId, state, plan.dir, plan.name);
    const rows = found.map((raw) => ({ row: checkedEntry(raw), content: String(raw.content) }));
    const last = rows.at(-1)?.row;
    if (last !== undefined && rows.length === PAGE_ROWS) {
      plan.dir = last.dir;
      plan.name = last.name;
    } else {
      plan.states.shift();
      plan.dir = '';
      plan.name = '';
    }
    return rows;
  }

  #planned(row: EntryRow, content: string, nowMs: number): PlannedFile | undefined {
    const dueSinceMs = row.due_ms !== null && row.due_ms <= nowMs ? row.due_ms : null;
    if (
      row.stamp === '' ||
      (row.state === 'failed' && dueSinceMs === null) ||
      contentSizeBytes(content) !== row.size
    ) {
      return undefined;
    }
    return {
      ...pendingFileOf(this.#store, row),
      content,
      dueSinceMs,
      rangesLeft: parseContent(content).length,
      isSpoilt: false,
    };
  }

  #described(
    folderId: number,
    md5size: string,
    ranges: readonly PlannedRange[],
    nowMs: number,
  ): AdoptableBlock {
    const [md5 = '', sizeBytes] = md5size.split('+');
    return {
      locator: this.#store.blocks.find(folderId, md5size)?.locator ?? md5size,
      md5,
      sizeBytes: Number(sizeBytes),
      isRipe:
        ranges.every(({ file }) => file.dueSinceMs !== null) ||
        ranges.some(({ file }) => file.dueSinceMs !== null && file.dueSinceMs <= nowMs - RIPE_AFTER_MS),
      ranges: ranges.map(({ file, position, offset, lengthBytes }) => ({
        entryId: file.entryId,
        path: file.path,
        diskPath: file.diskPath,
        sizeBytes: file.sizeBytes,
        stamp: file.stamp,
        attempts: file.attempts,
        position,
        offset,
        lengthBytes,
      })),
    };
  }

  /**
   * The file is not, or cannot be shown to be, the one that the collection has. While it is not due it may still be on its
   * way to become that: copied by somebody who made room for it first.
   */
  #spoil(folderId: number, file: PlannedFile, isVerdict: boolean): void {
    file.isSpoilt = true;
    if (
      isVerdict &&
      file.dueSinceMs !== null &&
      this.#store.entries.get(file.entryId)?.stamp === file.stamp
    ) {
      this.#store.foreign.clearContent(folderId, file.path);
    }
  }

  /** False where the row, or what is known of the collection, is not what was compared any more. */
  #adopt(folderId: number, file: PlannedFile, digest: string | null, nowMs: number): boolean {
    const { entries, foreign } = this.#store;
    const row = entries.get(file.entryId);
    if (
      row === undefined ||
      row.folder_id !== folderId ||
      row.kind !== 'file' ||
      (row.state !== 'pending' && row.state !== 'failed') ||
      row.stamp !== file.stamp ||
      foreign.contentAt(folderId, file.path) !== file.content
    ) {
      return false;
    }
    const segments = formatSegments(
      parseContent(file.content).map(({ md5size, offset, length }) => ({
        blockId: this.#blockId(folderId, md5size),
        offset,
        length,
      })),
    );
    this.#store.pieces.removeAll(row.id);
    entries.update(row, {
      state: 'saved',
      segments,
      saved_segments: segments,
      digest,
      source: null,
      due_ms: null,
      attempts: 0,
      error: null,
      since_ms: nowMs,
    });
    foreign.remove(folderId, file.path);
    for (const path of ancestorsOf(file.path)) {
      const dir = entries.find(folderId, path);
      if (dir?.kind === 'dir' && dir.saved_segments === null) {
        settle(this.#store, dir, SAVED_DIR, nowMs);
      }
    }
    return true;
  }

  #blockId(folderId: number, md5size: string): number {
    const { blocks } = this.#store;
    const known = blocks.find(folderId, md5size);
    if (known !== undefined) {
      return known.id;
    }
    // Of a cluster that does not sign, or forgotten since the look: nothing says that we may name it in a manifest.
    const blockId = blocks.record(folderId, { locator: md5size, reused: true }, 0, []);
    blocks.expire(blocks.get(blockId));
    return blockId;
  }
}

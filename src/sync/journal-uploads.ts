import { createHash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import type { ErrorCode } from '../base/errors.ts';
import type { FileStamp } from '../local/ports.ts';
import { mayBeAdopted } from './journal-adoption.ts';
import { errorText } from './journal-changes.ts';
import {
  type Content,
  contentFrom,
  knownSegments,
  pendingChange,
  pendingFileOf,
  storedChange,
} from './journal-moves.ts';
import type { AcknowledgedBlock, Journal, PendingFile, StoredFile, StoredPiece } from './journal-port.ts';
import { checkedEntry, ENTRY_COLUMNS, type EntryRow, pathOf } from './journal-rows.ts';
import { formatSegments, lengthOf } from './journal-segments.ts';
import type { JournalStore } from './journal-store.ts';

type Failures = Parameters<Journal['recordFailures']>[0];

/**
 * Nothing is ever scheduled further ahead than this (milliseconds): whatever seems to be was scheduled before the clock
 * was set back, and is due.
 */
const AHEAD_MAX_MS = 2 * 24 * 3_600_000;

/** Rows that a claim of small files looks at in vain before it gives up. */
const PASSED_OVER_MAX = 4_096;

/** The work queue: which files are to be read, and what became of them. All but `claim` and the like in a transaction. */
export class UploadQueue {
  readonly #store: JournalStore;
  /** Entries that somebody is reading or uploading. Gone with the process, and rightly so. */
  readonly #held = new Set<number>();
  readonly #due: StatementSync;
  readonly #farAhead: StatementSync;

  constructor(store: JournalStore) {
    this.#store = store;
    const due = 'FROM entry INDEXED BY entry_due WHERE folder_id = ? AND due_ms IS NOT NULL AND due_ms';
    // Ids alone are in the index: the thousands that somebody holds already are passed over without reading their rows.
    this.#due = store.database.prepare(
      `SELECT id, due_ms ${due} <= ? AND due_ms >= ? AND (due_ms, id) > (?, ?) ORDER BY due_ms, id`,
    );
    this.#due.setReturnArrays(true);
    this.#farAhead = store.database.prepare(`SELECT ${ENTRY_COLUMNS} ${due} > ? LIMIT 1000`);
  }

  claim(
    folderId: number,
    nowMs: number,
    limits: { files: number; bytes: number; largestBytes?: number },
  ): PendingFile[] {
    this.#bringBack(folderId, nowMs);
    const claimed: PendingFile[] = [];
    let bytes = 0;
    let passedOver = 0;
    for (const row of this.#notHeld(folderId, nowMs)) {
      if (row.size > (limits.largestBytes ?? row.size)) {
        passedOver += 1;
        if (passedOver === PASSED_OVER_MAX) {
          break;
        }
        continue;
      }
      if (claimed.length > 0 && (claimed.length >= limits.files || bytes + row.size > limits.bytes)) {
        break;
      }
      const path = pathOf(row);
      if (mayBeAdopted(this.#store, row, path)) {
        continue;
      }
      bytes += row.size;
      claimed.push(pendingFileOf(this.#store, row, path));
    }
    for (const file of claimed) {
      this.#held.add(file.entryId);
      this.#store.entries.found.handOut(file.entryId);
    }
    return claimed;
  }

  release(entryIds: Iterable<number>): void {
    const { entries } = this.#store;
    for (const entryId of entryIds) {
      // What is stored by now has no due time and is no work that was passed over.
      if (this.#held.delete(entryId) && entries.cached(entryId)?.due_ms !== null) {
        entries.due.reset();
        entries.found.takeBack(entryId);
      }
    }
  }

  nextDueAtMs(folderId: number, latestMs = Number.MAX_SAFE_INTEGER): number | null {
    for (const row of this.#notHeld(folderId, latestMs)) {
      return row.due_ms;
    }
    return null;
  }

  recordPackedBlock(
    folderId: number,
    block: AcknowledgedBlock,
    files: readonly StoredFile[],
    nowMs: number,
  ): void {
    const entryIds = files.map((file) => file.entryId);
    const blockId = this.#store.blocks.record(folderId, block, nowMs, entryIds);
    for (const file of files) {
      const row = this.#awaited(folderId, file.entryId, file.stamp);
      if (row !== undefined && row.size === file.lengthBytes) {
        const segments = formatSegments([{ blockId, offset: file.offset, length: file.lengthBytes }]);
        this.#stored(row, { segments, digest: file.digest, source: null }, nowMs);
      }
    }
  }

  recordPieceBlock(folderId: number, block: AcknowledgedBlock, piece: StoredPiece, nowMs: number): void {
    const blockId = this.#store.blocks.record(folderId, block, nowMs, [piece.entryId]);
    const row = this.#awaited(folderId, piece.entryId, piece.stamp);
    if (row !== undefined) {
      this.#store.entries.writeRow(row);
      const { entryId, index, stamp, lengthBytes } = piece;
      this.#store.pieces.put({
        entry_id: entryId,
        idx: index,
        stamp,
        block_id: blockId,
        length: lengthBytes,
      });
    }
  }

  piecesOf(entryId: number, stamp: FileStamp, validUntilMs: number): number[] {
    return this.#store.pieces
      .of(entryId)
      .filter(
        (piece) => piece.stamp === stamp && this.#store.blocks.get(piece.block_id).expires_ms >= validUntilMs,
      )
      .map((piece) => piece.idx);
  }

  recordLargeFile(entryId: number, stamp: FileStamp, nowMs: number): boolean {
    const row = this.#awaited(undefined, entryId, stamp);
    const pieces = this.#store.pieces.of(entryId).filter((piece) => piece.stamp === stamp);
    const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (row === undefined || total !== row.size || pieces.some((piece, index) => piece.idx !== index)) {
      return false;
    }
    const hash = createHash('md5');
    for (const piece of pieces) {
      hash.update(`${this.#store.blocks.get(piece.block_id).md5size} `);
    }
    const segments = pieces.map((piece) => ({ blockId: piece.block_id, offset: 0, length: piece.length }));
    // Cut at the same places, equal files are equal blocks: that is what this digest says.
    const digest = `blocks-${hash.digest('hex')}`;
    this.#store.pieces.removeAll(entryId);
    this.#stored(row, { segments: formatSegments(segments), digest, source: null }, nowMs);
    return true;
  }

  recordKnownFiles(
    folderId: number,
    files: ReadonlyArray<{ readonly entryId: number; readonly stamp: FileStamp; readonly digest: string }>,
    nowMs: number,
  ): void {
    for (const file of files) {
      const row = this.#awaited(folderId, file.entryId, file.stamp);
      if (row === undefined) {
        continue;
      }
      if (row.size === 0) {
        this.#stored(row, { segments: '', digest: file.digest, source: null }, nowMs);
        continue;
      }
      const content = this.#contentWith(row, file.digest);
      if (content === undefined) {
        // Whoever had it has lost it meanwhile: the file is read again, and then it is not known.
        this.#store.entries.update(row, { due_ms: nowMs });
      } else {
        this.#stored(row, content, nowMs);
      }
    }
  }

  recordFailures(failures: Failures, nowMs: number): void {
    for (const failure of failures) {
      const row = this.#store.entries.get(failure.entryId);
      if (row === undefined || (row.state !== 'pending' && row.state !== 'failed')) {
        continue;
      }
      this.#store.entries.update(row, {
        state: failure.state,
        due_ms: failure.state === 'failed' && failure.dueAtMs !== null ? Math.ceil(failure.dueAtMs) : null,
        attempts: row.attempts + 1,
        error: errorText(failure.error),
        since_ms: row.state === failure.state ? row.since_ms : nowMs,
      });
    }
  }

  retry(folderId: number, code: ErrorCode | undefined, nowMs: number): number {
    let count = 0;
    const states = code === undefined ? (['failed'] as const) : (['failed', 'held'] as const);
    for (const state of states) {
      for (const row of this.#store.entries.inState(folderId, state)) {
        // Without a stamp there is nothing to read: the next scan looks at it anyway.
        if (row.stamp !== '' && (code === undefined || errorCodeOf(row) === code)) {
          this.#store.entries.update(row, pendingChange(row, nowMs, nowMs));
          count += 1;
        }
      }
    }
    return count;
  }

  /** Rows that are due by then and that nobody holds, the earliest first; those that were just found are due. */
  *#notHeld(folderId: number, latestMs: number): Generator<EntryRow> {
    const found = this.#store.entries.found.waiting(folderId)[Symbol.iterator]();
    let next = found.next();
    for (const row of this.#writtenNotHeld(folderId, latestMs)) {
      for (; next.done !== true && isEarlier(next.value, row); next = found.next()) {
        yield next.value;
      }
      yield row;
    }
    for (; next.done !== true; next = found.next()) {
      yield next.value;
    }
  }

  *#writtenNotHeld(folderId: number, latestMs: number): Generator<EntryRow> {
    const { entries } = this.#store;
    const from = entries.due.at(folderId);
    const ids = this.#due.iterate(folderId, latestMs, from.dueMs, from.dueMs, from.id);
    let allHeld = true;
    let lastHeld = from;
    for (const found of ids as unknown as Iterable<readonly [id: number, dueMs: number]>) {
      const [id, dueMs] = found;
      if (this.#held.has(id)) {
        lastHeld = allHeld ? { dueMs, id } : lastHeld;
        continue;
      }
      if (allHeld && lastHeld !== from) {
        entries.due.advance(folderId, lastHeld);
      }
      allHeld = false;
      const row = entries.get(id);
      if (row !== undefined) {
        yield row;
      }
    }
    if (allHeld && lastHeld !== from) {
      entries.due.advance(folderId, lastHeld);
    }
  }

  #stored(row: EntryRow, content: Content, nowMs: number): void {
    this.#store.entries.update(row, storedChange(this.#store, row, content, nowMs));
  }

  /** The row, if it still waits for the bytes of this very stamp. */
  #awaited(folderId: number | undefined, entryId: number, stamp: FileStamp): EntryRow | undefined {
    const row = this.#store.entries.get(entryId);
    const isAwaited =
      row !== undefined &&
      (folderId === undefined || row.folder_id === folderId) &&
      (row.state === 'pending' || row.state === 'failed') &&
      row.kind === 'file' &&
      row.stamp === stamp;
    return isAwaited ? row : undefined;
  }

  /** Where these bytes already are; rather in what is saved, which needs no signature. */
  #contentWith(row: EntryRow, digest: string): Content | undefined {
    let best: Content | undefined;
    for (const other of this.#store.entries.withDigest(row.folder_id, row.size, digest)) {
      const segments = knownSegments(other);
      if (segments === null || lengthOf(segments) !== row.size) {
        continue;
      }
      if (other.id === row.id) {
        return { segments, digest, source: null };
      }
      const content = contentFrom(other, segments);
      if (best === undefined || (best.source === null && content.source !== null)) {
        best = content;
      }
    }
    return best;
  }

  #bringBack(folderId: number, nowMs: number): void {
    const rows = this.#farAhead.all(folderId, nowMs + AHEAD_MAX_MS).map(checkedEntry);
    if (rows.length > 0) {
      this.#store.write(() => {
        for (const row of rows) {
          this.#store.entries.update(row, { due_ms: nowMs });
        }
      });
    }
  }
}

const isEarlier = (one: EntryRow, other: EntryRow): boolean =>
  one.due_ms === other.due_ms ? one.id < other.id : (one.due_ms ?? 0) < (other.due_ms ?? 0);

export function errorCodeOf(row: EntryRow): ErrorCode {
  return row.error === null ? 'INTERNAL' : (JSON.parse(row.error) as { code: ErrorCode }).code;
}

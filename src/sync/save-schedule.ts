/** What the schedule is decided by. All times in milliseconds since the epoch. */
export interface SaveFacts {
  readonly nowMs: number;
  /** Stored files, deletes and directories that a save would carry. */
  readonly unsaved: number;
  /** When the oldest stored, unsaved file was stored. */
  readonly oldestStoredAtMs: number | null;
  readonly lastSaveAtMs: number | null;
  /** Until when saves rest, as `restAfterSave` says; 0 before the first. */
  readonly restUntilMs: number;
  /** Since when nothing that was found is still being listed, read or uploaded: the end of a batch. Null while it is. */
  readonly idleSinceMs: number | null;
  /** Estimated bytes of the collection's manifest. */
  readonly manifestBytes: number;
  /** How long the cluster's signatures are valid. */
  readonly signatureTtlMs: number;
  readonly everyMinMs: number;
  readonly everyMaxMs: number;
}

/** A manifest of so many bytes is worth the shortest interval; one of fifteen times that the longest. */
const MANIFEST_BYTES_PER_INTERVAL = 4 * 1024 * 1024;

/** After the last block of a small change: long enough for a burst of files to share a save. */
const SETTLE_MS = 300;

/** Saves are at most a tenth of the time, however often files change. */
const REST_PER_SAVE = 10;

/** So much rest may be owed: who saved nothing for a while does not wait between two saves that take long. */
const REST_OWED_MS = 60_000;

/** Unsaved blocks never grow older than this part of a signature's life. */
const SIGNATURE_SHARE = 0.25;

/**
 * When the next save is due, or null where there is nothing to save. A small change is saved within a second of its last
 * block; in bulk the interval grows with the manifest, because the server keeps a version of each save; and it is always
 * well before a signature expires.
 */
export function nextSaveAtMs(facts: SaveFacts): number | null {
  if (facts.unsaved === 0) {
    return null;
  }
  const since = facts.lastSaveAtMs ?? 0;
  if (facts.idleSinceMs !== null) {
    const rested = Math.min(facts.restUntilMs - REST_OWED_MS, since + facts.everyMaxMs);
    return Math.max(facts.idleSinceMs + SETTLE_MS, rested);
  }
  const grown = facts.everyMinMs * Math.max(1, facts.manifestBytes / MANIFEST_BYTES_PER_INTERVAL);
  const interval = Math.min(Math.max(grown, facts.everyMinMs), facts.everyMaxMs);
  const start = Math.max(since, facts.oldestStoredAtMs ?? since);
  const latest = (facts.oldestStoredAtMs ?? facts.nowMs) + facts.signatureTtlMs * SIGNATURE_SHARE;
  return Math.max(facts.nowMs, Math.min(start + interval, latest));
}

/** Until when saves rest after one that ended now, where they were to rest until `restUntilMs` already. */
export function restAfterSave(restUntilMs: number, nowMs: number, tookMs: number): number {
  return Math.max(restUntilMs, nowMs) + tookMs * REST_PER_SAVE;
}

const BYTES_PER_FILE = 60;
const BYTES_PER_BLOCK = 96;

/** A manifest's size from what it will name: a signed locator is about 94 bytes, a file token its name and two numbers. */
export function estimateManifestBytes(files: number, blocks: number): number {
  return files * BYTES_PER_FILE + blocks * BYTES_PER_BLOCK;
}

import ignore from 'ignore';
import type { Preview } from '../contract/shell.ts';
import { checkPattern } from '../local/ignore-rules.ts';
import { nothingKnown } from '../local/known-source.ts';
import { scanTree } from '../local/scan-tree.ts';
import type { SyncDisk } from '../local/sync-disk.ts';

/** What Keep takes at once (bytes). */
const BLOCK_BYTES = 64 * 1024 * 1024;

export interface CountRequest {
  readonly diskPath: string;
  readonly rules: ReadonlyArray<{ readonly pattern: string; readonly on: boolean }>;
}

/** A preview but for the time at which it was made. */
export type FolderCount = Omit<Preview, 'countedAtMs'>;

/** Whether to treat `A` and `a` in patterns as one, as the disks of Windows and macOS do. */
const FOLD_CASE = process.platform === 'win32' || process.platform === 'darwin';

/**
 * Counts what a folder would send under these rules, and what each of them matches first. Yields now and then what it
 * has so far; the walk itself knows no rules but the built-in ones and the ignore files in the tree, because a pattern
 * that is switched off is counted, too.
 */
export function* countFolder(
  disk: SyncDisk,
  request: CountRequest,
  ignoreCase = FOLD_CASE,
): Generator<FolderCount, FolderCount, void> {
  const rules = request.rules.map(({ pattern, on }) => ({
    pattern,
    on,
    files: 0,
    bytes: 0,
    examplePath: null as string | null,
  }));
  for (const [index, { pattern }] of rules.entries()) {
    checkPattern(pattern, 'the rules', index + 1);
  }
  const count = { files: 0, bytes: 0, leftOutFiles: 0, leftOutBytes: 0 };
  const present = (complete: boolean): FolderCount => ({
    ...count,
    blocks: Math.ceil(count.bytes / BLOCK_BYTES),
    rules: rules.map(({ pattern, files, bytes, examplePath }) => ({ pattern, files, bytes, examplePath })),
    complete,
  });
  const walk = scanTree(disk, nothingKnown.knownTree(0), {
    roots: [{ diskPath: request.diskPath, prefix: '' }],
    rules: { patterns: [], followLinks: false, allowUnreadableNames: true },
  });
  for (;;) {
    const step = walk.next();
    if (step.done === true) {
      return present(true);
    }
    // a matcher remembers every path it was asked about: new ones for each batch keep memory bounded
    const active = ignore({ ignoreCase }).add(rules.filter((rule) => rule.on).map((rule) => rule.pattern));
    const matchers = rules.map((rule) => ({ rule, matcher: ignore({ ignoreCase }).add(rule.pattern) }));
    for (const change of step.value) {
      if (change.type !== 'file') {
        continue;
      }
      const { sizeBytes } = change.stat;
      const first = matchers.find(({ matcher }) => matcher.ignores(change.path))?.rule;
      if (first !== undefined) {
        first.files += 1;
        first.bytes += sizeBytes;
        first.examplePath ??= change.path;
      }
      if (active.ignores(change.path)) {
        count.leftOutFiles += 1;
        count.leftOutBytes += sizeBytes;
      } else {
        count.files += 1;
        count.bytes += sizeBytes;
      }
    }
    yield present(false);
  }
}

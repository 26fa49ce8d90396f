import type { KeepsyncError } from '../base/errors.ts';
import { plainRecord } from './file-errors.ts';
import type { ScanTotals, TreeChange } from './ports.ts';

/** The most changes in one batch. */
export const BATCH_MAX_CHANGES = 1_000;

/** What a scan has found so far and not handed out yet, and what it has counted. */
export class ScanReport {
  readonly #changes: TreeChange[] = [];
  /** Of any kind, also what is only known to the journal. */
  entriesSeen = 0;
  files = 0;
  dirs = 0;
  bytes = 0;
  ignored = 0;
  links = 0;

  get changeCount(): number {
    return this.#changes.length;
  }

  totals(): ScanTotals {
    const { files, dirs, bytes, ignored, links } = this;
    return { files, dirs, bytes, ignored, links };
  }

  add(...changes: readonly TreeChange[]): void {
    this.#changes.push(...changes);
  }

  gone(path: string, wasDir: boolean): void {
    this.#changes.push({ type: 'gone', path, wasDir });
  }

  hold(path: string, diskPath: string, error: KeepsyncError): void {
    this.#changes.push({ type: 'held', path, diskPath, error: plainRecord(error) });
  }

  /** The oldest changes, a batch of them; `confirm` runs before anything gone is let out. */
  take(confirm: () => void): readonly TreeChange[] {
    const batch = this.#changes.splice(0, BATCH_MAX_CHANGES);
    if (batch.some((change) => change.type === 'gone')) {
      confirm();
    }
    return batch;
  }
}

import type { FolderCore } from './folder-core.ts';
import { MassDeleteGuard } from './mass-delete-guard.ts';

/** Files that are brought back, or a disk that is mounted again, may come without a hint: then a scan looks for them. */
const EMPTY_LOOK_EVERY_MS = 30_000;
const DELETES_LOOK_EVERY_MS = 5 * 60_000;

export interface DeletesPorts {
  /** A scan is due in so many milliseconds at the latest. */
  readonly scanWithin: (delayMs: number) => void;
  /** The times at which something is due have changed. */
  readonly arm: () => void;
}

/** Lets what is gone from one folder go from its collection, or stops and asks. */
export class FolderDeletes {
  readonly #core: FolderCore;
  readonly #ports: DeletesPorts;
  readonly #guard = new MassDeleteGuard();

  constructor(core: FolderCore, ports: DeletesPorts) {
    this.#core = core;
    this.#ports = ports;
  }

  /** When deletes that are still coming are to be looked at again; undefined where none are. */
  get judgeAtMs(): number | undefined {
    return this.#guard.judgeAtMs;
  }

  /** A rename is no delete: its bytes may still have to be read to know that. */
  async judge(): Promise<void> {
    const { folder, plan, ports } = this.#core;
    const { journal, clock } = ports;
    const counts = await journal.counts(folder.id);
    if (counts.gone.files === 0) {
      this.#guard.nothingGone();
      this.#core.clear('deletes');
      // Directories that vanished without a file in them need no guard.
      await journal.confirmDeletes(folder.id, plan.deletes, 'guard');
      return;
    }
    const figures = await journal.guardFigures(folder.id);
    const nowMs = clock.nowMs();
    const verdict = this.#guard.judge(figures, nowMs);
    if (verdict === 'wait') {
      this.#ports.arm();
      return;
    }
    if (verdict === 'go') {
      await journal.confirmDeletes(folder.id, plan.deletes, 'guard');
      const left = (await journal.counts(folder.id)).gone.files;
      this.#guard.wentUnasked(figures.gone - left, nowMs);
      this.#core.clear('deletes');
      return;
    }
    if (counts.pending.files > 0 && this.#core.troubleOf('deletes') === undefined) {
      // New files may turn out to be the missing ones under other names: judge when they have been read. Whoever called
      // sees to that; to ask for it here would go round and round until the first of them is due.
      return;
    }
    this.#ports.scanWithin(figures.live === 0 ? EMPTY_LOOK_EVERY_MS : DELETES_LOOK_EVERY_MS);
    this.#core.trouble('deletes', verdict);
    this.#ports.arm();
  }

  /** A person says that what is gone is meant to be gone. */
  async confirm(): Promise<void> {
    const { folder, plan, ports } = this.#core;
    await ports.journal.confirmDeletes(folder.id, plan.deletes, 'person');
    this.#guard.confirmed();
    this.#core.clear('deletes');
  }
}

import { KeepsyncError } from '../base/errors.ts';
import type { GuardFigures } from './journal-port.ts';

const count = (files: number) => files.toLocaleString('en-US');

/** How long deletes that were let through count together with later ones: `rm -r` of a large folder takes its time. */
const GUARD_MEMORY_MS = 10 * 60_000;

/** Deletes are judged when none came for so long; what one command removes is seen as one. */
const DELETES_CALM_MS = 5_000;

/**
 * Whether so much is gone that a person must say it is meant: everything, or more than half. Renamed files are not gone.
 * `letGo` is how many files went unasked within `GUARD_MEMORY_MS`, so that a folder cannot go in slices. Returns the
 * problem to show, or undefined.
 */
export function tooMuchIsGone(figures: GuardFigures, letGo = 0): KeepsyncError | undefined {
  const { live, outside } = figures;
  const gone = figures.gone + letGo;
  const before = gone + live;
  if (figures.gone === 0 || gone * 2 <= before) {
    return undefined;
  }
  const kept =
    letGo === 0
      ? 'the collection still has them'
      : `the collection still has ${count(figures.gone)} of them, its earlier versions all`;
  const action = 'Bring the files back, or confirm that they are to be deleted.';
  if (live + outside === 0) {
    return new KeepsyncError(
      'ROOT_GONE',
      `The folder is empty: all ${count(gone)} files are gone. The folder is paused, ${kept}.`,
      { action, info: { gone } },
    );
  }
  return new KeepsyncError(
    'MASS_DELETE',
    `${count(gone)} of ${count(before)} files are gone. The folder is paused, ${kept}.`,
    { action, info: { gone, before } },
  );
}

/** Judges what is gone from one folder, as one with what went shortly before. */
export class MassDeleteGuard {
  /** Files that went unasked, lately. */
  #letGo: Array<{ readonly atMs: number; readonly files: number }> = [];
  /** How many files were gone when last looked, and when they are to be judged if there are no more. */
  #seen: { readonly files: number; readonly judgeAtMs: number } | undefined;

  /** When deletes that are still coming are to be looked at again; undefined where none are. */
  get judgeAtMs(): number | undefined {
    return this.#seen?.judgeAtMs;
  }

  /** The problem to show, or whether what is gone may be let go now (`go`) or once no more goes (`wait`). */
  judge(figures: GuardFigures, nowMs: number): KeepsyncError | 'go' | 'wait' {
    this.#letGo = this.#letGo.filter((past) => past.atMs > nowMs - GUARD_MEMORY_MS);
    const verdict = tooMuchIsGone(
      figures,
      this.#letGo.reduce((sum, past) => sum + past.files, 0),
    );
    if (verdict !== undefined) {
      this.#seen = undefined;
      return verdict;
    }
    if (figures.gone > 0 && this.#seen?.files !== figures.gone) {
      this.#seen = { files: figures.gone, judgeAtMs: nowMs + DELETES_CALM_MS };
    }
    return figures.gone === 0 || nowMs >= (this.#seen?.judgeAtMs ?? nowMs) ? 'go' : 'wait';
  }

  /** So many of those that were judged went. */
  wentUnasked(files: number, nowMs: number): void {
    if (files > 0) {
      this.#letGo.push({ atMs: nowMs, files });
    }
    this.nothingGone();
  }

  /** A person said that it is meant: what goes later is judged by itself. */
  confirmed(): void {
    this.#letGo = [];
    this.nothingGone();
  }

  nothingGone(): void {
    this.#seen = undefined;
  }
}

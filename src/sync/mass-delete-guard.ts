import { KeepsyncError } from '../base/errors.ts';
import type { GuardFigures } from './journal-port.ts';

const count = (files: number) => files.toLocaleString('en-US');

/** How long deletes that were let through count together with later ones: `rm -r` of a large folder takes its time. */
export const GUARD_MEMORY_MS = 10 * 60_000;

/** Deletes are judged when none came for so long; what one command removes is seen as one. */
export const DELETES_CALM_MS = 5_000;

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

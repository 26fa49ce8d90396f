import { KeepsyncError } from '../base/errors.ts';
import type { GuardFigures } from './journal-port.ts';

const count = (files: number) => files.toLocaleString('en-US');

/**
 * Whether so much is gone that a person must say it is meant: everything, or more than half. Renamed files are not gone.
 * Returns the problem to show, or undefined.
 */
export function tooMuchIsGone(figures: GuardFigures): KeepsyncError | undefined {
  const before = figures.gone + figures.live;
  if (figures.gone === 0) {
    return undefined;
  }
  if (figures.live === 0) {
    return new KeepsyncError(
      'ROOT_GONE',
      `The folder is empty: all ${count(figures.gone)} files are gone. The folder is paused, the collection still has them.`,
      {
        action: 'Bring the files back, or confirm that they are to be deleted.',
        info: { gone: figures.gone },
      },
    );
  }
  if (figures.gone * 2 > before) {
    return new KeepsyncError(
      'MASS_DELETE',
      `${count(figures.gone)} of ${count(before)} files are gone. The folder is paused, the collection still has them.`,
      {
        action: 'Bring the files back, or confirm that they are to be deleted.',
        info: { gone: figures.gone, before },
      },
    );
  }
  return undefined;
}

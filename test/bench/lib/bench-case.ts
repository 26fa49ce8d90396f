import type { Recorder, Target } from './results.ts';
import type { Workplace } from './workplace.ts';

/** One row of the table. */
export interface BenchCase {
  readonly id: string;
  /** What is done, at full size. */
  readonly title: string;
  /** Whether the targets must be reached, or may be explained. */
  readonly isOwed: boolean;
  readonly targets: readonly Target[];
  /** How often, where so many runs are asked for: some are slow, and the whole has a time to keep. */
  readonly runs?: (wanted: number) => number;
  /** Measures; the number of runs is that of `runs`. Throws where a result would be worth nothing. */
  measure(workplace: Workplace, record: Recorder, runs: number): Promise<void>;
}

/** A case that needs something this computer does not have. */
export class NotHere extends Error {}

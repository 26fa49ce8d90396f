import type { FileStat } from './ports.ts';

/** How long a file must have been left alone before it is read. All of it is settings. */
export interface CalmSettings {
  readonly calmBaseMs: number;
  /** Each so many bytes of a file add a second. */
  readonly calmBytesPerSecond: number;
  readonly calmMaxMs: number;
}

/** 2 s, 1 s more for every 50 MiB, at most 2 minutes. */
export const DEFAULT_CALM: CalmSettings = {
  calmBaseMs: 2_000,
  calmBytesPerSecond: 50 * 1024 * 1024,
  calmMaxMs: 120_000,
};

/** What is known about time when a file is judged. */
export interface CalmMoment {
  /** Wall clock, milliseconds since the epoch: the one that file times are compared with. */
  readonly nowMs: number;
  /** For how long this very stamp has been seen, by a monotonic clock; 0 when it is seen for the first time. */
  readonly observedForMs: number;
}

/** The calm period of a file of this size, in milliseconds. */
export function calmMs(sizeBytes: number, settings: CalmSettings = DEFAULT_CALM): number {
  const forSizeMs = Math.floor(sizeBytes / settings.calmBytesPerSecond) * 1_000;
  return Math.min(settings.calmBaseMs + forSizeMs, settings.calmMaxMs);
}

/**
 * Milliseconds until the file counts as still, 0 when it does. A change time in the future (a clock that was set back, a
 * server that is ahead, `touch -d 2099`) says nothing; then only the time for which we saw the same stamp counts.
 */
export function remainingCalmMs(
  stat: Pick<FileStat, 'sizeBytes' | 'changedAtMs'>,
  moment: CalmMoment,
  settings: CalmSettings = DEFAULT_CALM,
): number {
  const sinceChangeMs = Math.max(0, moment.nowMs - stat.changedAtMs);
  const stillForMs = Math.max(sinceChangeMs, moment.observedForMs);
  return Math.max(0, calmMs(stat.sizeBytes, settings) - stillForMs);
}

/**
 * Whether the file may be taken for complete. The one rule that decides it: whatever replaces it (a marker "this run is
 * complete", say) has this shape.
 */
export function isStill(
  stat: Pick<FileStat, 'sizeBytes' | 'changedAtMs'>,
  moment: CalmMoment,
  settings: CalmSettings = DEFAULT_CALM,
): boolean {
  return remainingCalmMs(stat, moment, settings) === 0;
}

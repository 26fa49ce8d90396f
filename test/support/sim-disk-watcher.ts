import type { CancelTimer, Clock } from '../../src/base/clock.ts';
import { PathCollector } from '../../src/local/coalesce.ts';
import type { Watcher } from '../../src/local/ports.ts';
import { isAtOrBelow } from '../../src/local/tree-roots.ts';
import type { SimDisk } from './sim-disk.ts';

export interface SimWatcherOptions {
  readonly clock: Clock;
  /** Decides which hints are lost; the same seed loses the same ones. */
  readonly seed?: number;
  /** From 0, nothing is lost, to 1. Nobody is told, as with the real thing. */
  readonly dropRate?: number;
  /** Milliseconds between a change and its hint. */
  readonly delayMs?: number;
}

/** A watcher over a simulated disk that forgets some of what it sees. */
export function createSimWatcher(disk: SimDisk, options: SimWatcherOptions): Watcher {
  const { clock, dropRate = 0, delayMs = 100 } = options;
  const nextFraction = seededFractions(options.seed ?? 1);
  return {
    watch: async (roots, _rules, events) => {
      const diskPaths = roots.map((root) => root.diskPath);
      const collector = new PathCollector({ separator: '/', maxPaths: 1_000, roots: diskPaths });
      let cancel: CancelTimer | undefined;
      const stop = disk.onTouched((path) => {
        const isOurs = diskPaths.some((root) => isAtOrBelow(path, root, '/') || isAtOrBelow(root, path, '/'));
        if (!isOurs || nextFraction() < dropRate) {
          return;
        }
        collector.add(path);
        cancel ??= clock.setTimer(delayMs, () => {
          cancel = undefined;
          events.onHints(collector.take().map((diskPath) => ({ diskPath })));
        });
      });
      return {
        close: async () => {
          stop();
          cancel?.();
        },
      };
    },
  };
}

/** Numbers in [0, 1) that depend on the seed only: a 32-bit xorshift. */
export function seededFractions(seed: number): () => number {
  let state = (seed | 0) === 0 ? 0x9e3779b9 | 0 : seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

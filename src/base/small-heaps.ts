import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Read each time a heap is about to grow, so they may be set, and taken back, while it runs. */
const COLLECT_EARLY = '--optimize-for-size';
/** Fresh objects: the room that loading the program needed is enough. */
const STAY_SMALL = '--semi-space-growth-factor=1';
/** As V8 has them by itself. */
const AS_BUILT = ['--no-optimize-for-size', '--semi-space-growth-factor=2'] as const;
/** Threads that are started from now on have all the room that their own limit allows (MiB, a third of that) at once. */
const ROOM_AT_ONCE = '--min-semi-space-size=8';

const START_MS = 1_000;

let isSmall = false;
let loading = 0;

/**
 * Makes V8 collect early instead of letting its heaps grow, for this thread and for all that are started after it.
 * Measured on a daemon with 100,000 files and a first upload of 10 GiB: the main thread's heap peaks at 41 instead of
 * 121 MiB, the journal's at 23 instead of 69, for a tenth more processor time.
 *
 * It begins after the first second: a start is quicker by a twelfth without it, and no heap has grown by then. Not for
 * Electron, whose main process keeps V8's flags closed.
 */
export function keepHeapsSmall(): void {
  isSmall = true;
  setFlagsFromString(ROOM_AT_ONCE);
  setTimeout(whileLoading(), START_MS).unref();
}

/** Whether this process asked for small heaps, and so may change V8's flags. */
export const heapsAreSmall = (): boolean => isSmall;

/**
 * A thread is being started, until the returned function is called. V8 takes the code of Node's own modules ready made only
 * while its flags are those that Node was built with; with others each thread compiles them anew, which costs as much as
 * the rest of its start (40 ms of processor time). So heaps may grow as they like as long as any thread loads.
 */
export function whileLoading(): () => void {
  if (!isSmall) {
    return () => undefined;
  }
  let isLoaded = false;
  loading += 1;
  AS_BUILT.forEach(setFlagsFromString);
  return () => {
    loading -= isLoaded ? 0 : 1;
    isLoaded = true;
    if (loading === 0) {
      setFlagsFromString(COLLECT_EARLY);
      setFlagsFromString(STAY_SMALL);
    }
  };
}

/**
 * Collects this thread's garbage at once. V8 collects when it allocates; a thread at rest would hold shared buffers of 64
 * MiB for hours through a few bytes of garbage. Only where heaps are kept small: see there.
 */
export function collectNow(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') {
    collect();
  }
}

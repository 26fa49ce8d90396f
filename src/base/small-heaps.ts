import { setFlagsFromString } from 'node:v8';

/**
 * Makes V8 collect early instead of letting its heaps grow, for this thread and for all that are started after it.
 * Measured on a daemon with 100,000 files and a first upload of 10 GiB: the main thread's heap peaks at 41 instead of
 * 121 MiB, the journal's at 23 instead of 69, for a tenth more processor time.
 *
 * Both flags are read each time a heap is about to grow, so they may be set while it runs. Not for Electron, whose main
 * process keeps V8's flags closed.
 */
export function keepHeapsSmall(): void {
  setFlagsFromString('--optimize-for-size');
  // Fresh objects: the room that loading the program needed is enough.
  setFlagsFromString('--semi-space-growth-factor=1');
}

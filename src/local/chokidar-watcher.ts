import type { HintRelay } from './hint-relay.ts';
import type { Watching } from './ports.ts';

export interface ChokidarOptions {
  readonly diskPaths: readonly string[];
  readonly followLinks: boolean;
  isFiltered(diskDir: string): boolean;
}

/**
 * Watches trees with chokidar; resolves once it is ready. It neither polls nor waits for writes to finish (the calm
 * period does that), and `atomic` is off because it would hide files whose name ends in `~`.
 */
export async function startChokidar(options: ChokidarOptions, relay: HintRelay): Promise<Watching> {
  // Loaded here: the threads that walk and read are made of the same bundle, and large trees do without.
  const { watch } = await import('chokidar');
  const watcher = watch([...options.diskPaths], {
    ignoreInitial: true,
    followSymlinks: options.followLinks,
    ignored: (path, stats) => stats?.isDirectory() === true && options.isFiltered(path),
    backend: 'auto',
    atomic: false,
    awaitWriteFinish: false,
  });
  watcher.on('raw', () => relay.countEvent());
  watcher.on('all', (_event, path) => relay.hint(path));
  watcher.on('error', (error) => relay.doubt(error));
  return new Promise((resolve) => {
    watcher.on('ready', () => resolve({ close: () => watcher.close() }));
  });
}

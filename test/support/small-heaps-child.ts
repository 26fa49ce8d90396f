// A process with small heaps that starts a thread, ends once V8 was told to collect, and says so.
import { PerformanceObserver } from 'node:perf_hooks';
import { keepHeapsSmall } from '../../src/base/small-heaps.ts';
import { startDiskThread } from '../../src/local/threaded-disk.ts';

/** `constants.NODE_PERFORMANCE_GC_FLAGS_FORCED` of `node:perf_hooks`. */
const FORCED = 4;

keepHeapsSmall();
const worker = startDiskThread({ role: 'disk', journalPath: null });
const observer = new PerformanceObserver((list) => {
  const isForced = list.getEntries().some((entry) => {
    const detail: unknown = 'detail' in entry ? entry.detail : undefined;
    return typeof detail === 'object' && detail !== null && 'flags' in detail && detail.flags === FORCED;
  });
  if (isForced) {
    process.stdout.write('collected');
    observer.disconnect();
    void worker.terminate();
  }
});
observer.observe({ entryTypes: ['gc'] });

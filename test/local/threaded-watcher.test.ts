import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorRecord } from '../../src/base/errors.ts';
import { startDiskThread } from '../../src/local/threaded-disk.ts';
import { createThreadedWatcher } from '../../src/local/threaded-watcher.ts';
import { PLAIN_RULES } from '../support/disk-conformance.ts';

describe('the watcher in its thread', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'keepsync-watch-thread-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function newWatcher() {
    const threads: Worker[] = [];
    const watcher = createThreadedWatcher({
      watchEntriesMax: 50_000,
      start: (data) => {
        const thread = startDiskThread(data);
        threads.push(thread);
        return thread;
      },
    });
    return { threads, watcher };
  }

  it('watches again, and asks for a scan, when its thread died', async () => {
    const { threads, watcher } = newWatcher();
    const doubt = Promise.withResolvers<ErrorRecord>();
    const hint = Promise.withResolvers<string | undefined>();
    const watching = await watcher.watch([{ diskPath: root, prefix: '' }], PLAIN_RULES, {
      onHints: ([first]) => hint.resolve(first?.diskPath),
      onDoubt: doubt.resolve,
    });
    await threads[0]?.terminate();
    expect((await doubt.promise).code).toBe('INTERNAL');
    writeFileSync(join(root, 'a'), '1');
    expect(await hint.promise).toBe(join(root, 'a'));
    expect(threads).toHaveLength(2);
    await watching.close();
  });

  it('may be told to end all of its watches at once', async () => {
    const { watcher } = newWatcher();
    const events = { onHints: () => undefined, onDoubt: () => undefined };
    const roots = [{ diskPath: root, prefix: '' }];
    const watches = [
      await watcher.watch(roots, PLAIN_RULES, events),
      await watcher.watch(roots, PLAIN_RULES, events),
    ];
    await expect(Promise.all(watches.map((watching) => watching.close()))).resolves.toHaveLength(2);
  });

  it('ends its thread with the last thing watched, and starts one for the next', async () => {
    const { threads, watcher } = newWatcher();
    const events = { onHints: () => undefined, onDoubt: () => undefined };
    const roots = [{ diskPath: root, prefix: '' }];
    const first = await watcher.watch(roots, PLAIN_RULES, events);
    const second = await watcher.watch(roots, PLAIN_RULES, events);
    expect(threads).toHaveLength(1);
    const ended = new Promise((resolve) => threads[0]?.once('exit', resolve));
    await first.close();
    await second.close();
    await ended;
    const third = await watcher.watch(roots, PLAIN_RULES, events);
    expect(threads).toHaveLength(2);
    await third.close();
  });
});

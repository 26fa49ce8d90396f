import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const sourceOf = (name: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../src/local/${name}`, import.meta.url)));

/** A watch that is left behind keeps its process alive; then the time limit of the call ends this test. */
it.each([
  ['chokidar', `createLocalWatcher({ watchEntriesMax: 50_000 })`],
  ['folders only', `createLocalWatcher({ watchEntriesMax: 0 })`],
  ['a thread', `createThreadedWatcher({ watchEntriesMax: 0 })`],
])('a process that closed its watcher (%s) ends by itself', (_name, make) => {
  const root = mkdtempSync(join(tmpdir(), 'keepsync-lifetime-'));
  try {
    mkdirSync(join(root, 'dir/sub'), { recursive: true });
    for (const name of ['one', 'two']) {
      writeFileSync(join(root, name), '');
    }
    const script = join(root, 'watch.mts');
    writeFileSync(
      script,
      `import { createLocalWatcher } from ${sourceOf('local-watcher.ts')};
       import { createThreadedWatcher } from ${sourceOf('threaded-watcher.ts')};
       import { renameSync } from 'node:fs';
       const root = ${JSON.stringify(root)};
       let hinted;
       const hint = new Promise((resolve) => { hinted = resolve; });
       const watcher = ${make};
       const watching = await watcher.watch(
         ['dir', 'one', 'two'].map((name) => ({ diskPath: root + '/' + name, prefix: name })),
         { patterns: [], followLinks: false, allowUnreadableNames: false },
         { onHints: hinted, onDoubt: (error) => { throw new Error(error.message); } },
       );
       renameSync(root + '/dir/sub', root + '/dir/renamed');
       await hint;
       await watching.close();
       console.log('closed');`,
    );
    const output = execFileSync(process.execPath, [script], { encoding: 'utf8', timeout: 120_000 });
    expect(output).toBe('closed\n');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Whether a process of ours may have a user namespace with limits of its own. */
const canLimit =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-Ur', 'sh', '-c', 'echo 5 > /proc/sys/user/max_inotify_watches']).status === 0;

const watcherUrl = new URL('../../src/local/local-watcher.ts', import.meta.url);

describe.runIf(canLimit)('when the system gives no more watches', () => {
  it.each([
    ['chokidar', 50_000],
    ['folders only', 0],
  ])('%s raises a doubt once and goes on with what it has', (_name, watchEntriesMax) => {
    const root = mkdtempSync(join(tmpdir(), 'keepsync-limit-'));
    try {
      for (let index = 0; index < 20; index++) {
        mkdirSync(join(root, `d${index}`));
      }
      const script = join(root, 'watch.mts');
      writeFileSync(
        script,
        `import { createLocalWatcher } from ${JSON.stringify(fileURLToPath(watcherUrl))};
         import { writeFileSync } from 'node:fs';
         const doubts = [];
         let hinted;
         const hint = new Promise((resolve) => { hinted = resolve; });
         const watching = await createLocalWatcher({ watchEntriesMax: ${watchEntriesMax} }).watch(
           [{ diskPath: ${JSON.stringify(root)}, prefix: '' }],
           { patterns: [], followLinks: false, allowUnreadableNames: false },
           { onHints: (hints) => hinted(hints), onDoubt: (error) => doubts.push(error) },
         );
         writeFileSync(${JSON.stringify(join(root, 'signal'))}, '1');
         await hint;
         await watching.close();
         console.log(JSON.stringify(doubts));`,
      );
      const limit = 'echo 5 > /proc/sys/user/max_inotify_watches && exec "$0" "$1"';
      const output = execFileSync('unshare', ['-Ur', 'sh', '-c', limit, process.execPath, script], {
        encoding: 'utf8',
      });
      const doubts = JSON.parse(output) as Array<{ code: string; action: string }>;
      expect(doubts.map((doubt) => doubt.code)).toEqual(['TOO_MANY_OPEN']);
      expect(doubts[0]?.action).toContain('fs.inotify.max_user_watches');
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

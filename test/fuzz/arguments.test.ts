import { readdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CliWorld, HOST, TOKEN } from '../cli/support/cli-world.ts';
import { poisonedText, tries } from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

const word = fc.oneof(
  fc.constantFrom(
    ...[
      'put',
      'get',
      'ls',
      'check',
      'status',
      'folder',
      'add',
      'list',
      'set',
      'show',
      'remove',
      'blocks',
      'errors',
      'retry',
    ],
    ...[
      'pause',
      'resume',
      'rescan',
      'ignore',
      'test',
      'log',
      'login',
      'logout',
      'whoami',
      'completion',
      'bash',
      'diagnose',
    ],
    ...[
      '--json',
      '--silent',
      '--help',
      '--version',
      '--threads',
      '--retries',
      '--replication',
      '--exclude',
      '--name',
    ],
    ...[
      '--host',
      '--token-stdin',
      '--for',
      '--state',
      '--limit',
      '--offset',
      '--dry-run',
      '--update-collection',
      '--bundle',
    ],
    ...['0', '-1', '1e9', '99999999999999999999', '2', '1h', '-', '--', '', 'data', 'out', 'WRITABLE', HOST],
    ...[
      'zzzzz-4zz18-000000000000001',
      'zzzzz-4zz18-000000000000001/../x',
      'd41d8cd98f00b204e9800998ecf8427e+0',
    ],
  ),
  poisonedText.filter((text) => !text.includes('\0')),
);

test(`arguments of whatever text end in one of the four exit codes, and say what is wrong (seed ${SEED})`, {
  timeout: 600_000,
}, async () => {
  const codes = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (args) => {
      const world = new CliWorld();
      try {
        world.file('data/a.txt', 'a');
        writeFileSync(world.path('marker'), '');
        const live = world.start(...args);
        // whatever waits for somebody is told to stop
        let isDone = false;
        const done = live.done.finally(() => {
          isDone = true;
        });
        for (let turn = 0; !isDone; turn += 1) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (turn > 20) {
            live.interrupt();
          }
        }
        const { exitCode, stdout, stderr } = await done;
        codes.set(exitCode, (codes.get(exitCode) ?? 0) + 1);
        expect([0, 1, 2, 64]).toContain(exitCode);
        expect(stdout + stderr).not.toContain(TOKEN.split('/')[2]);
        expect(stderr).not.toMatch(/\n\s+at .*:\d+:\d+/);
        if (exitCode === 64 || exitCode === 1) {
          expect(`${stdout}${stderr}`).not.toBe('');
        }
        expect(readdirSync(world.dir)).toContain('marker');
      } finally {
        world.close();
      }
    }),
    { seed: SEED, numRuns: tries(250, 3_000) },
  );
  expect([...codes.keys()]).toEqual(expect.arrayContaining([0, 64]));
});

import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { KillWorld } from '../support/real-kills/kill-world.ts';

/** For a whole life on a computer that has much else to do. */
const TIMEOUT_MS = 240_000;
const POLL_MS = 100;
const statusSchema = z.object({
  tray: z.string(),
  problems: z.array(z.object({ code: z.string() })),
});

/** Whether a process of ours may have disks and limits that nobody else sees. */
const canMount =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-Urm', 'sh', '-c', 'mount -t tmpfs -o size=1m none /mnt']).status === 0;
const canLimit =
  process.platform === 'linux' && spawnSync('prlimit', ['--pid', `${process.pid}`, '--nofile']).status === 0;

let world: KillWorld;
beforeEach(async () => {
  world = await KillWorld.open();
});
afterEach(() => world.close());

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const status = async () => statusSchema.parse(await world.status());
const codes = async () => [...new Set((await status()).problems.map(({ code }) => code))].sort();

/** A daemon that keeps twenty small files, all of them saved. */
async function keptFolder(through: readonly string[] = []): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    world.write(`file ${i}`, 500);
  }
  await world.command('folder', 'add', world.path('data'), '--deletes', 'mirror');
  world.start(through);
}

describe('a real daemon on a real disk', { timeout: TIMEOUT_MS }, () => {
  it.runIf(canLimit)(
    'without a file handle left says so, and saves everything once it has some',
    async () => {
      await keptFolder();
      await world.settled();
      const limit = (handles: number) =>
        execFileSync('prlimit', ['--pid', `${world.pid}`, `--nofile=${handles}:`]);
      const log = () =>
        readdirSync(world.path('profile', 'logs'))
          .map((name) => readFileSync(world.path('profile', 'logs', name), 'utf8'))
          .join('');
      expect(log()).not.toContain('Too many open files');
      limit(3);
      world.write('one more', 700);
      // Nobody can ask it for its status now; its log is open.
      await until(() => log().includes('Too many open files'));
      expect((await world.remote()).has('one more')).toBe(false);
      limit(1_024);
      await world.settled();
      await world.interrupt();
      expect(await world.checkJournal()).toBe(21);
    },
  );

  it.runIf(canMount)('whose own disk is full says so, and saves everything once it has room', async () => {
    const profile = world.path('profile');
    // The settings lie below what is mounted over them.
    const mount = `cp -a '${profile}' '${profile}.copy' && mount -t tmpfs -o size=64m none '${profile}' &&
      cp -a '${profile}.copy'/. '${profile}' && exec "$0" "$@"`;
    await keptFolder(['unshare', '-Urm', 'sh', '-c', mount]);
    world.commandThrough = ['nsenter', '-t', `${world.pid}`, '-U', '-m', '--preserve-credentials'];
    const filler = `/proc/${world.pid}/root${profile}/filler`;
    await until(async () => (await world.remote()).size === 20);
    await world.settled();
    fillDisk(filler);
    for (let i = 0; i < 2_000; i += 1) {
      world.write(`${'a long name of a folder '.repeat(5)}${i % 40}/file ${i}`, 10);
    }
    await until(async () => (await codes()).includes('DISK_FULL'));
    expect((await status()).tray).not.toBe('ready');
    rmSync(filler);
    await world.settled();
    expect((await world.remote()).size).toBe(2_020);
    await world.interrupt();
  });
});

function fillDisk(path: string): void {
  const handle = openSync(path, 'w');
  try {
    for (;;) {
      writeSync(handle, Buffer.alloc(4_096));
    }
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(handle);
  }
}

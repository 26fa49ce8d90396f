import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../../src/base/clock.ts';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { ControlClient } from '../../../src/control/control-client.ts';
import { readOwner } from '../../../src/profile/owner-lock.ts';
import { MeasuredProcess, type Usage } from '../measured-process.ts';

const POLL_MS = 10;
const TICKS_PER_SECOND = 100;

/** A daemon that keeps the folders of a profile, watched over its control socket. What it uses is read from /proc. */
export class WatchingDaemon {
  readonly client: ControlClient;
  readonly startedAtMs: number;
  readonly #process: MeasuredProcess;

  private constructor(process: MeasuredProcess, client: ControlClient, startedAtMs: number) {
    this.#process = process;
    this.client = client;
    this.startedAtMs = startedAtMs;
  }

  /** Returns as soon as it can be spoken to. */
  static async start(
    main: string,
    profile: string,
    env: Record<string, string>,
    nodeArgs: readonly string[] = [],
  ): Promise<WatchingDaemon> {
    const startedAtMs = Date.now();
    const args = [...nodeArgs, main, '--profile', profile, 'daemon'];
    const started = new MeasuredProcess(process.execPath, args, env);
    for (;;) {
      if (started.child.exitCode !== null) {
        throw new Error(`The daemon ended: ${started.stderr}`);
      }
      const owner = await readOwner(join(profile, 'owner.lock'));
      if (owner?.pid === started.child.pid && owner !== undefined) {
        try {
          const client = await ControlClient.connect(owner.socketPath, owner.key, systemClock);
          return new WatchingDaemon(started, client, startedAtMs);
        } catch (thrown) {
          if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'OFFLINE')) {
            throw thrown;
          }
        }
      }
      await wait(POLL_MS);
    }
  }

  /** Adds a folder, saved into a new collection of that name. */
  async addFolder(folder: string, name: string, deletes: 'keep' | 'mirror' = 'mirror'): Promise<void> {
    await this.client.run('folders.add', {
      roots: [{ diskPath: folder, prefix: '' }],
      name,
      target: { collectionName: name },
      deletes,
    });
  }

  /** Resolves with the first snapshot for which it holds. */
  async until(holds: (snapshot: StatusSnapshot) => boolean): Promise<StatusSnapshot> {
    let unsubscribe: () => void = () => undefined;
    const ended = new Promise<never>((_, reject) => this.client.onEnd(reject));
    const found = new Promise<StatusSnapshot>((resolve) => {
      const look = (snapshot: StatusSnapshot) => {
        if (holds(snapshot)) {
          resolve(snapshot);
        }
      };
      unsubscribe = this.client.subscribe('status', look);
    });
    try {
      const now = await this.client.run('status.get', {});
      return holds(now) ? now : await Promise.race([found, ended]);
    } finally {
      unsubscribe();
    }
  }

  /** Everything looked at since `sinceMs`, and so many files saved. */
  untilSaved(files: number, sinceMs = this.startedAtMs): Promise<StatusSnapshot> {
    return this.until((snapshot) =>
      snapshot.folders.every(
        (folder) =>
          folder.percentSaved === 100 &&
          folder.bar.saved.files === files &&
          folder.phase === 'watching' &&
          (folder.lastScanAtMs ?? 0) >= sinceMs,
      ),
    );
  }

  usage(): Usage {
    return this.#process.usage();
  }

  get pid(): number {
    return this.#process.child.pid ?? 0;
  }

  /** Processor time that it took while so much time went by. */
  async cpuSecondsOver(seconds: number): Promise<number> {
    const before = cpuSeconds(this.pid);
    await wait(seconds * 1000);
    return cpuSeconds(this.pid) - before;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.#process.interrupt();
  }
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

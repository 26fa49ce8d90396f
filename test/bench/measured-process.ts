import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { systemCodeOf } from '../../src/local/sync-disk.ts';
import { track } from './lib/children.ts';

const SAMPLE_MS = 50;
/** The kernel counts processor time in hundredths of a second, whatever the processor. */
const TICKS_PER_SECOND = 100;
const MIB_IN_KIB = 1024;

export interface Usage {
  readonly peakRssMib: number;
  readonly rssMib: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** A process of which memory and processor time are read from /proc until it ends. Linux only. */
export class MeasuredProcess {
  readonly child: ChildProcess;
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #usage: Usage = { peakRssMib: 0, rssMib: 0, cpuSeconds: 0, wallSeconds: 0 };
  #stdout = '';
  #stderr = '';

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    track(this.child);
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-10_000);
    });
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** So far; the peak is the kernel's own, the processor time that of the last sample. */
  usage(): Usage {
    this.#sample();
    return this.#usage;
  }

  /** Resolves with what it used when it has ended. Throws what it said where it failed. */
  async end(): Promise<Usage> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, 'exit');
    }
    clearInterval(this.#timer);
    if (this.child.exitCode !== 0) {
      throw new Error(`${this.child.spawnargs.join(' ')} ended with ${this.child.exitCode}: ${this.#stderr}`);
    }
    return this.#usage;
  }

  async interrupt(): Promise<void> {
    clearInterval(this.#timer);
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGINT');
      await once(this.child, 'exit');
    }
  }

  #sample(): void {
    const { pid, exitCode } = this.child;
    if (pid === undefined || exitCode !== null) {
      return;
    }
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      if (kib('VmHWM') === 0) {
        return; // a zombie has no memory left
      }
      this.#usage = {
        peakRssMib: Math.round(kib('VmHWM') / MIB_IN_KIB),
        rssMib: Math.round(kib('VmRSS') / MIB_IN_KIB),
        cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
        wallSeconds: (performance.now() - this.#startedMs) / 1000,
      };
    } catch (thrown) {
      if (systemCodeOf(thrown) === undefined) {
        throw thrown;
      }
    }
  }
}

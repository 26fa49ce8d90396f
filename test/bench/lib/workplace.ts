import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterSettings } from '../../../src/cluster/cluster-options.ts';
import { BenchCluster } from './bench-cluster.ts';
import { endAllChildren, track } from './children.ts';
import { availableMemoryBytes } from './machine.ts';
import { LargeTree, SmallTree } from './trees.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MEASURE = join(import.meta.dirname, '..', 'measure.py');
const MEMORY_DISK = '/dev/shm';
/** What the largest case stores, twice 3 GiB, and as much again for who measures. */
const MEMORY_DISK_BYTES = 13 * 2 ** 30;

const LARGE_BYTES = 3 * 2 ** 30;
const SMALL_FILES = 20_000;

/** What a command used, its children included. */
export interface Usage {
  readonly wallSeconds: number;
  /** User and system. */
  readonly cpuSeconds: number;
  /** Of the largest of its processes. */
  readonly peakRssMib: number;
}

/** The Arvados commands that ours is measured against. */
export interface ArvadosTools {
  readonly put: string;
  readonly get: string;
  readonly python: string;
}

export interface WorkplaceOptions {
  readonly dir: string | undefined;
  readonly scale: number;
  readonly runs: number;
  readonly venv: string;
  /** Whether others are measured beside ours; default true. */
  readonly hasOthers?: boolean;
}

/** Where everything happens, what is measured with, and what is measured. */
export class Workplace {
  readonly scale: number;
  readonly runs: number;
  readonly hasOthers: boolean;
  readonly arvados: ArvadosTools;
  /** The built command. */
  readonly main = join(ROOT, 'dist', 'keepsync.cjs');
  /** Whether the clusters' blocks lie in memory: a client is measured, not the disk of a cluster that is elsewhere. */
  readonly isClusterInMemory: boolean;
  readonly #dir: string;
  readonly #clusterDir: string;
  readonly #interrupted = () => {
    this.close();
    process.exit(130);
  };
  #large: LargeTree | undefined;
  #small: SmallTree | undefined;
  #count = 0;

  constructor({ dir, scale, runs, venv, hasOthers = true }: WorkplaceOptions) {
    if (!existsSync(this.main)) {
      throw new Error('The command is not built');
    }
    this.scale = scale;
    this.runs = runs;
    this.hasOthers = hasOthers;
    const tool = (name: string) => join(venv, 'bin', name);
    this.arvados = { put: tool('arv-put'), get: tool('arv-get'), python: tool('python') };
    this.#dir = mkdtempSync(join(dir ?? tmpdir(), 'keepsync-bench-'));
    this.isClusterInMemory = hasMemoryDisk(MEMORY_DISK_BYTES * scale);
    this.#clusterDir = this.isClusterInMemory
      ? mkdtempSync(join(MEMORY_DISK, 'keepsync-bench-'))
      : join(this.#dir, 'clusters');
    mkdirSync(this.#clusterDir, { recursive: true });
    process.on('SIGINT', this.#interrupted);
    process.on('SIGTERM', this.#interrupted);
  }

  /** How many of something there are at this scale; at least one. */
  scaled(full: number): number {
    return Math.max(1, Math.round(full * this.scale));
  }

  /** The path of something new on the disk. */
  fresh(name: string): string {
    this.#count += 1;
    return join(this.#dir, `${name}-${this.#count}`);
  }

  freshFolder(name: string): string {
    const path = this.fresh(name);
    mkdirSync(path);
    return path;
  }

  async remove(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await rm(path, { recursive: true, force: true });
    }
  }

  /** 3 GiB in four files, made once. */
  async largeTree(): Promise<LargeTree> {
    this.#large ??= await LargeTree.make(this.fresh('large'), Math.round(LARGE_BYTES * this.scale));
    return this.#large;
  }

  /** 20,000 files of 1 to 20 KB, made once. */
  async smallTree(): Promise<SmallTree> {
    this.#small ??= await SmallTree.make(this.fresh('small'), this.scaled(SMALL_FILES));
    return this.#small;
  }

  /** Lends a cluster without anything in it. */
  async withCluster<T>(
    settings: Omit<ClusterSettings, 'dataDir'> & { readonly isCounted?: boolean },
    work: (cluster: BenchCluster) => Promise<T>,
  ): Promise<T> {
    this.#count += 1;
    const dataDir = join(this.#clusterDir, `cluster-${this.#count}`);
    const cluster = await BenchCluster.start({ keepServers: 2, ...settings, dataDir });
    try {
      return await work(cluster);
    } finally {
      await cluster.close();
    }
  }

  /**
   * What a command finds around it: the cluster, and a home where nothing is. Compiled code is what an earlier command left,
   * as it is for those in Python, whose compiled code lies beside its source.
   */
  environment(cluster: BenchCluster | undefined, home = this.freshFolder('home')): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      LANG: 'C.UTF-8',
      HOME: home,
      TMPDIR: this.#dir,
      NODE_COMPILE_CACHE: join(this.#dir, 'compiled'),
      ...cluster?.facts.env,
    };
  }

  /** Runs a command to its end. Throws what it said where it failed. */
  async measure(
    command: readonly string[],
    env: Record<string, string>,
  ): Promise<{ readonly usage: Usage; readonly stdout: string }> {
    const resultFile = this.fresh('usage');
    const child = spawn(this.arvados.python, ['-S', '-E', MEASURE, resultFile, ...command], {
      env,
      cwd: this.#dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      // a group of its own, so that all of it can be ended
      detached: true,
    });
    track(child, true);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
    });
    const used = JSON.parse(readFileSync(resultFile, 'utf8')) as Record<string, number>;
    rmSync(resultFile);
    if (used.exitCode !== 0) {
      throw new Error(`${command.slice(0, 3).join(' ')} ended with ${used.exitCode}: ${stderr}`);
    }
    return {
      usage: {
        wallSeconds: used.wallSeconds ?? 0,
        cpuSeconds: (used.userSeconds ?? 0) + (used.systemSeconds ?? 0),
        peakRssMib: used.peakRssMib ?? 0,
      },
      stdout: stdout.trim(),
    };
  }

  /** The same for one of our own commands. */
  keepsync(args: readonly string[], env: Record<string, string>) {
    return this.measure([process.execPath, this.main, ...args], env);
  }

  /** In words, for the report. */
  places(): string {
    return this.isClusterInMemory
      ? "sources, journals and downloads on the disk; the cluster's blocks in memory"
      : "sources, journals, downloads and the cluster's blocks on the disk";
  }

  /** Ends what still runs, and removes everything. */
  close(): void {
    process.off('SIGINT', this.#interrupted);
    process.off('SIGTERM', this.#interrupted);
    endAllChildren();
    rmSync(this.#dir, { recursive: true, force: true });
    rmSync(this.#clusterDir, { recursive: true, force: true });
  }
}

function hasMemoryDisk(bytes: number): boolean {
  if (!existsSync(MEMORY_DISK)) {
    return false;
  }
  const { bavail, bsize } = statfsSync(MEMORY_DISK);
  return bavail * bsize > bytes && availableMemoryBytes() > bytes;
}

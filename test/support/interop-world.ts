import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import type { ClusterSettings, LocalCluster, RequestInfo } from '../../src/cluster/cluster-options.ts';
import { type Finished, Processes, PythonSdk, type Running } from './interop-processes.ts';

const venv = process.env.KEEPSYNC_INTEROP_VENV;
const missing = process.env.KEEPSYNC_INTEROP_SKIP ?? 'KEEPSYNC_INTEROP_VENV names no Python environment';

/** Whether the Arvados commands are there; without them a suite has nothing to set up. */
export const isInteropPossible = venv !== undefined;

/** To be called at the top of a suite: where the Arvados commands are not there each of its tests is skipped, and says why. */
export function needsArvadosCommands(): void {
  beforeEach((context) => {
    if (!isInteropPossible) {
      context.skip(missing);
    }
  });
}

const POLL_MS = 200;
/** Below the time limit of the tests, so that it is this that ends one, and says why. */
const PATIENCE_MS = 240_000;

/** Resolves once `holds` does; rejects with what was waited for when that takes too long even for a busy computer. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > endMs) {
      throw new Error(`waited in vain until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A command, the token it is given, and its arguments. */
export interface Call {
  readonly command: 'keepsync' | 'arv-put' | 'arv-get' | 'arv-ls';
  readonly args: readonly string[];
  /** Default: the cluster's administrator. */
  readonly token?: string;
}

/** A local cluster, the real commands of both sides, and a home folder of their own. */
export class InteropWorld {
  readonly cluster: LocalCluster;
  readonly #dir: string;
  readonly #processes: Processes;
  readonly #sdk: PythonSdk;
  readonly #requests: RequestInfo[];

  constructor(cluster: LocalCluster, dir: string, requests: RequestInfo[]) {
    this.cluster = cluster;
    this.#dir = dir;
    this.#requests = requests;
    mkdirSync(this.path('home'));
    this.#processes = new Processes(dir, () => ({
      PATH: `${venv ?? ''}/bin:${process.env.PATH ?? ''}`,
      HOME: this.path('home'),
      TMPDIR: tmpdir(),
      LANG: 'C.UTF-8',
      KEEPSYNC_PROFILE: this.path('profile'),
      ...cluster.env(),
    }));
    this.#sdk = new PythonSdk(this.#processes, 'python');
  }

  get sdk(): PythonSdk {
    return this.#sdk;
  }

  /** Below the world's own folder, which is also where commands run. */
  path(...parts: string[]): string {
    return join(this.#dir, ...parts);
  }

  /** How many blocks were sent to Keep so far, by whomever. */
  blocksSent(): number {
    return this.#requests.filter((one) => one.server === 'keep' && one.method === 'PUT').length;
  }

  start({ command, args, token }: Call): Running {
    const more: Record<string, string> = token === undefined ? {} : { ARVADOS_API_TOKEN: token };
    return command === 'keepsync'
      ? this.#processes.keepsync(args, more)
      : this.#processes.start(command, args, more);
  }

  run(call: Call): Promise<Finished> {
    return this.start(call).done;
  }

  /** What it wrote on stdout, without the last newline. Throws with its stderr where its exit code is not 0. */
  async output(command: Call['command'], ...args: string[]): Promise<string> {
    return outputOf(await this.run({ command, args }));
  }

  async close(): Promise<void> {
    await this.#processes.cleanUp();
    await this.cluster.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

export function outputOf({ exitCode, stdout, stderr }: Finished): string {
  if (exitCode !== 0) {
    throw new Error(`exit code ${exitCode}: ${stderr}`);
  }
  return stdout.replace(/\n$/, '');
}

export async function openInteropWorld(
  settings: Omit<ClusterSettings, 'dataDir'> = {},
): Promise<InteropWorld> {
  const dir = mkdtempSync(join(tmpdir(), 'keepsync-interop-'));
  const requests: RequestInfo[] = [];
  const cluster = await startCluster({
    ...settings,
    dataDir: join(dir, 'cluster'),
    log: silentLog,
    onRequest: (request) => {
      requests.push(request);
      return undefined;
    },
  });
  return new InteropWorld(cluster, dir, requests);
}

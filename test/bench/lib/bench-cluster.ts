import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterSettings } from '../../../src/cluster/cluster-options.ts';
import { track } from './children.ts';

export interface ClusterFacts {
  /** For other programs: ARVADOS_API_HOST, ARVADOS_API_TOKEN, SSL_CERT_FILE. */
  readonly env: Readonly<Record<string, string>>;
  readonly keepUrls: readonly string[];
  readonly keepFolders: readonly string[];
}

/** One request that a counted cluster saw. */
export interface RequestCount {
  readonly server: 'api' | 'keep';
  readonly method: string;
  readonly path: string;
  readonly bodyBytes: number;
  /** 0 where the answer does not say. */
  readonly answerBytes: number;
}

type Message = { readonly facts: ClusterFacts } | { readonly requests: readonly RequestCount[] };

const PROCESS = join(import.meta.dirname, '..', 'cluster-process.ts');

/** A local cluster in a process of its own; what it uses is not counted for anybody. */
export class BenchCluster {
  readonly facts: ClusterFacts;
  readonly #child: ChildProcess;
  readonly #dataDir: string;

  private constructor(child: ChildProcess, facts: ClusterFacts, dataDir: string) {
    this.#child = child;
    this.facts = facts;
    this.#dataDir = dataDir;
  }

  static async start(settings: ClusterSettings & { readonly isCounted?: boolean }): Promise<BenchCluster> {
    const child = fork(PROCESS, [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    track(child);
    const answer = await next(child);
    if (!('facts' in answer)) {
      throw new Error('The cluster did not say where it is');
    }
    return new BenchCluster(child, answer.facts, settings.dataDir);
  }

  /** The requests since the last call; only of a counted cluster. */
  async requests(): Promise<readonly RequestCount[]> {
    const answer = next(this.#child);
    this.#child.send('requests');
    const found = await answer;
    return 'requests' in found ? found.requests : [];
  }

  /** Ends it and removes everything that it stored. */
  async close(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.disconnect();
      await ended;
    }
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

async function next(child: ChildProcess): Promise<Message> {
  const ended = new AbortController();
  try {
    const message = once(child, 'message', ended).then(([value]) => value as Message);
    const exit = once(child, 'exit', ended).then(([code]): never => {
      throw new Error(`The cluster ended with ${String(code)}`);
    });
    return await Promise.race([message, exit]);
  } finally {
    ended.abort();
  }
}

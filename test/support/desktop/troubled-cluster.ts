import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/base/log.ts';
import { startCluster } from '../../../src/cluster/cluster.ts';
import type { Fault, FaultHook, LocalCluster } from '../../../src/cluster/cluster-options.ts';
import { ClusterClient } from '../cluster-client.ts';

interface State {
  trouble: FaultHook;
  readonly sent: string[];
  readonly accepted: Set<string>;
}

/** A local cluster in the test's own process, with trouble on order and a note of every block that is sent to it. */
export class TroubledCluster {
  readonly client: ClusterClient;
  readonly #dataDir: string;
  readonly #state: State;
  #release: () => void = () => undefined;

  private constructor(dataDir: string, cluster: LocalCluster, state: State) {
    this.#dataDir = dataDir;
    this.client = new ClusterClient(cluster);
    this.#state = state;
  }

  static async start(): Promise<TroubledCluster> {
    const dataDir = mkdtempSync(join(tmpdir(), 'keepsync-troubled-'));
    const state: State = { trouble: () => undefined, sent: [], accepted: new Set() };
    const cluster = await startCluster({
      dataDir,
      log: silentLog,
      onRequest: (request) => {
        const fault = state.trouble(request);
        if (request.server === 'keep' && request.method === 'PUT') {
          const md5 = request.path.slice(1, 33);
          state.sent.push(md5);
          if (fault === undefined) {
            state.accepted.add(md5);
          }
        }
        return fault;
      },
    });
    return new TroubledCluster(dataDir, cluster, state);
  }

  /** What programs need to find it. */
  get env(): Record<string, string> {
    return this.client.cluster.env();
  }

  /** md5 of every block whose sending began, in order; one that was sent twice is there twice. */
  get sent(): readonly string[] {
    return this.#state.sent;
  }

  /** md5 of every block that met no trouble. */
  get accepted(): ReadonlySet<string> {
    return this.#state.accepted;
  }

  /** Forgets what was sent so far. */
  forget(): void {
    this.#state.sent.length = 0;
    this.#state.accepted.clear();
  }

  /** What requests meet from here on. */
  trouble(hook: FaultHook): void {
    this.#state.trouble = hook;
  }

  /** What the sending of blocks meets from here on; `index` counts different blocks from 0. */
  troubleBlocks(faultOf: (index: number) => Fault | undefined): void {
    const indexes = new Map<string, number>();
    this.trouble(({ server, method, path }) => {
      if (server !== 'keep' || method !== 'PUT') {
        return undefined;
      }
      const index = indexes.get(path) ?? indexes.size;
      indexes.set(path, index);
      return faultOf(index);
    });
  }

  /** Of the blocks sent from here on the first `count` are taken, the others wait for `heal`. */
  holdBlocksAfter(count: number): void {
    const until = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    this.troubleBlocks((index) => (index < count ? undefined : { kind: 'hold', until }));
  }

  heal(): void {
    this.trouble(() => undefined);
    this.#release();
  }

  async close(): Promise<void> {
    this.heal();
    await this.client.cluster.close();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

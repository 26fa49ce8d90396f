import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import type { LocalCluster } from '../../src/cluster/cluster-options.ts';
import { ClusterClient } from '../../test/support/cluster-client.ts';

/** Projects of the lab, each below the one before the slash. */
const PROJECTS = [
  'Results',
  'Results/Trio 2026',
  'Runs 2026',
  'Runs 2026/MiSeq',
  'Runs 2026/NovaSeq',
] as const;
type ProjectName = (typeof PROJECTS)[number];

/** A local cluster with a person, their projects, and a Keep that can be told to be too busy for one block. */
export class LabCluster {
  readonly cluster: LocalCluster;
  readonly token: string;
  readonly projects: Readonly<Record<ProjectName, string>>;
  readonly #busy: BusyKeep;

  private constructor(
    cluster: LocalCluster,
    token: string,
    projects: Readonly<Record<ProjectName, string>>,
    busy: BusyKeep,
  ) {
    this.cluster = cluster;
    this.token = token;
    this.projects = projects;
    this.#busy = busy;
  }

  static async start(dataDir: string): Promise<LabCluster> {
    const busy = new BusyKeep();
    const cluster = await startCluster({
      dataDir,
      keepServers: 2,
      copies: 1,
      preserveVersionIfIdleSeconds: 0,
      log: silentLog,
      onRequest: ({ method, server, path }) =>
        server === 'keep' && method === 'PUT' && busy.refuses(path)
          ? { kind: 'status', status: 503, message: 'Too many requests at once' }
          : undefined,
    });
    const token = await cluster.createUser({ name: 'Mara Lindqvist' });
    const client = new ClusterClient(cluster, token);
    const uuids = new Map<string, string>();
    for (const path of PROJECTS) {
      const slash = path.lastIndexOf('/');
      const made = await client.good('POST', 'groups', {
        group: {
          group_class: 'project',
          name: path.slice(slash + 1),
          ...(slash < 0 ? {} : { owner_uuid: uuids.get(path.slice(0, slash)) }),
        },
      });
      uuids.set(path, String(made.uuid));
    }
    const of = (path: ProjectName) => uuids.get(path) ?? '';
    return new LabCluster(
      cluster,
      token,
      {
        Results: of('Results'),
        'Results/Trio 2026': of('Results/Trio 2026'),
        'Runs 2026': of('Runs 2026'),
        'Runs 2026/MiSeq': of('Runs 2026/MiSeq'),
        'Runs 2026/NovaSeq': of('Runs 2026/NovaSeq'),
      },
      busy,
    );
  }

  /** From now on Keep is too busy for the next block that comes, until `heal`. */
  refuseOneBlock(): void {
    this.#busy.begin();
  }

  heal(): void {
    this.#busy.end();
  }

  close(): Promise<void> {
    return this.cluster.close();
  }
}

class BusyKeep {
  #wanted = false;
  #refused: string | undefined;

  begin(): void {
    this.#wanted = true;
  }

  end(): void {
    this.#wanted = false;
    this.#refused = undefined;
  }

  refuses(path: string): boolean {
    if (this.#wanted) {
      this.#wanted = false;
      this.#refused = path;
    }
    return path === this.#refused;
  }
}

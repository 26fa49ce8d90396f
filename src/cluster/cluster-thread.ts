import { parentPort, workerData } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { startCluster } from './cluster.ts';
import type { ClusterSettings, LocalCluster } from './cluster-options.ts';

/** The plain values of a LocalCluster. */
export interface ClusterFacts {
  readonly apiHost: string;
  readonly clusterId: string;
  readonly caFile: string;
  readonly token: string;
  readonly keepUrls: readonly string[];
  readonly keepFolders: readonly string[];
  readonly env: Record<string, string>;
}

/** What the cluster's thread offers to its owner. It raises `log` events. */
export type ClusterThreadApi = {
  start(input: undefined): Promise<ClusterFacts>;
  createUser(wanted: { readonly admin?: boolean; readonly name?: string }): Promise<string>;
  sweep(input: undefined): Promise<void>;
  stop(input: undefined): Promise<void>;
};

if (parentPort) {
  let cluster: LocalCluster | undefined;
  const running = (): LocalCluster => {
    if (!cluster) {
      throw new KeepsyncError('STATE', 'The local cluster has not been started');
    }
    return cluster;
  };
  const raise = serveThread<ClusterThreadApi>(parentPort, {
    start: async () => {
      cluster = await startCluster({ ...(workerData as ClusterSettings), log });
      const { apiHost, clusterId, caFile, token, keepUrls, keepFolders } = cluster;
      return { apiHost, clusterId, caFile, token, keepUrls, keepFolders, env: cluster.env() };
    },
    createUser: (wanted) => running().createUser(wanted),
    sweep: () => running().sweep(),
    stop: async () => cluster?.close(),
  });
  const log: LogPort = { log: (level, message, fields) => raise('log', { level, message, fields }) };
}

import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';

/** A cluster in a process of its own, to be killed: `cluster-child.ts DATADIR`. Says where it is, in JSON, on stdout. */
const cluster = await startCluster({ dataDir: process.argv[2] ?? '', keepServers: 2, log: silentLog });
const { apiHost, caFile, token, keepUrls, keepFolders, clusterId } = cluster;
process.stdout.write(`${JSON.stringify({ apiHost, caFile, token, keepUrls, keepFolders, clusterId })}\n`);

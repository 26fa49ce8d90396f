import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import type { ClusterSettings } from '../../src/cluster/cluster-options.ts';
import type { ClusterFacts, RequestCount } from './lib/bench-cluster.ts';

/**
 * A local cluster in a process of its own, so that what it uses is nobody else's: `cluster-process.ts SETTINGS`, in JSON.
 * Tells where it is over the channel to its parent, and ends with it. With `isCounted` every request is noted, which
 * keeps Keep on one thread and so makes it slower: for counting, not for timing.
 */
const { isCounted, ...settings } = JSON.parse(process.argv[2] ?? '{}') as ClusterSettings & {
  readonly isCounted?: boolean;
};

const requests: RequestCount[] = [];
if (isCounted === true) {
  subscribe('http.server.response.finish', (message) => {
    const { request, response } = message as {
      readonly request: IncomingMessage;
      readonly response: ServerResponse;
    };
    const path = (request.url ?? '').split('?')[0] ?? '';
    requests.push({
      server: /^\/[0-9a-f]{32}/.test(path) ? 'keep' : 'api',
      method: request.method ?? '',
      path,
      bodyBytes: Number(request.headers['content-length'] ?? 0),
      answerBytes: Number(response.getHeader('content-length') ?? 0),
    });
  });
}

const cluster = await startCluster({
  ...settings,
  log: silentLog,
  ...(isCounted === true ? { onRequest: () => undefined } : {}),
});

const tell = (message: unknown) => process.send?.(message);
process.on('message', (message) => {
  if (message === 'requests') {
    tell({ requests: requests.splice(0) });
  }
});
process.on('disconnect', () => {
  cluster.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
const facts: ClusterFacts = {
  env: cluster.env(),
  keepUrls: cluster.keepUrls,
  keepFolders: cluster.keepFolders,
};
tell({ facts });

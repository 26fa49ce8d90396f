import type { ClusterContext } from './cluster-context.ts';
import type { JsonObject } from './json.ts';

/** Where a client reached us: the document's URLs must be those that it used. */
export interface ReachedAt {
  /** `host:port`. */
  readonly host: string;
}

/** `/arvados/v1/config`: the public part of a cluster's configuration. */
export function configDocument(context: ClusterContext, reached: ReachedAt): JsonObject {
  const classes = Object.entries(context.storageClasses);
  const services = context.keepServices();
  return {
    ClusterID: context.identity.clusterId,
    API: { MaxItemsPerResponse: 1000, MaxRequestSize: context.limits.maxRequestSize },
    Collections: {
      BlobSigning: true,
      BlobSigningTTL: goDuration(context.signing.ttlSeconds),
      CollectionVersioning: true,
      DefaultReplication: context.limits.defaultReplication,
      DefaultTrashLifetime: goDuration(context.limits.trashLifetimeSeconds),
      ForwardSlashNameSubstitution: '',
      ManagedProperties: {},
      PreserveVersionIfIdle: goDuration(context.limits.preserveVersionIfIdleSeconds),
      TrustAllContent: false,
    },
    StorageClasses: Object.fromEntries(
      classes.map(([name, { isDefault, priority }]) => [
        name,
        { Default: isDefault, Priority: priority ?? 0 },
      ]),
    ),
    Services: {
      Controller: { ExternalURL: `https://${reached.host}/` },
      Websocket: { ExternalURL: `wss://${reached.host}/websocket` },
      Keepproxy: { ExternalURL: '' },
    },
    Volumes: Object.fromEntries(
      services.map((service) => [
        service.uuid.replace('-bi6l4-', '-nyw5e-'),
        { ReadOnly: service.isReadOnly, Replication: 1 },
      ]),
    ),
    Users: { AnonymousUserToken: '' },
    Workbench: { SiteName: 'Keepsync local cluster' },
  };
}

/** As Go prints a duration: `336h0m0s`. */
function goDuration(seconds: number): string {
  if (seconds <= 0) {
    return `${seconds}s`;
  }
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${seconds % 60}s`;
  return hours > 0 ? `${hours}h${minutes}m${rest}` : minutes > 0 ? `${minutes}m${rest}` : rest;
}

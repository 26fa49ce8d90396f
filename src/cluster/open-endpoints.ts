import { notFound } from './api-error.ts';
import { type ClusterContext, type KeepServiceRecord, nowText } from './cluster-context.ts';
import { configDocument } from './config-document.ts';
import type { OpenRoutes } from './endpoint-types.ts';
import type { JsonObject } from './json.ts';

export const OPEN_ROUTES: OpenRoutes = {
  'GET config': ({ context, request }) => configDocument(context, { host: request.host }),
  'GET vocabulary': () => ({ strict_tags: false, tags: {} }),
  'GET keep_services/accessible': ({ context, request }) =>
    keepServiceList(context, request.isExternalClient),
  'GET keep_services': ({ context }) => keepServiceList(context, false),
  'GET keep_services/:uuid': ({ context, uuid }) => {
    const found = context.keepServices().find((service) => service.uuid === uuid);
    if (!found) {
      throw notFound();
    }
    return keepServiceRecord(context, found);
  },
};

function keepServiceList(context: ClusterContext, isExternalClient: boolean): JsonObject {
  // outside clients are shown proxies only, and there are none here
  const services = isExternalClient ? [] : context.keepServices();
  return {
    kind: 'arvados#keepServiceList',
    etag: '',
    offset: 0,
    limit: services.length,
    items_available: services.length,
    items: services.map((service) => keepServiceRecord(context, service)),
  };
}

function keepServiceRecord(context: ClusterContext, service: KeepServiceRecord): JsonObject {
  const at = nowText(context);
  return {
    kind: 'arvados#keepService',
    etag: '',
    uuid: service.uuid,
    owner_uuid: `${context.identity.clusterId}-tpzed-000000000000000`,
    service_host: service.host,
    service_port: service.port,
    service_ssl_flag: service.isTls,
    service_type: 'disk',
    read_only: service.isReadOnly,
    created_at: at,
    modified_at: at,
  };
}

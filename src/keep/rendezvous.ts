import { createHash } from 'node:crypto';
import { type Locator, placeHints } from './locator.ts';
import type { KeepService } from './ports.ts';

/** A service's weight for a block: hex md5 of the block's md5 and the last 15 characters of the service's uuid. */
export function rendezvousWeight(md5: string, serviceUuid: string): string {
  return createHash('md5').update(md5).update(serviceUuid.slice(-15)).digest('hex');
}

/** The services in the order in which every Arvados client looks for this block: heaviest first. */
export function rendezvousOrder(md5: string, services: readonly KeepService[]): KeepService[] {
  return services
    .map((service) => ({ service, weight: rendezvousWeight(md5, service.uuid) }))
    .sort((a, b) => (a.weight < b.weight ? 1 : a.weight > b.weight ? -1 : 0))
    .map(({ service }) => service);
}

function isGateway(service: KeepService): boolean {
  return service.serviceType.startsWith('gateway:');
}

/** Where to write a block: read-only services and gateways take none. */
export function writeOrder(md5: string, services: readonly KeepService[]): KeepService[] {
  return rendezvousOrder(
    md5,
    services.filter((service) => !service.readOnly && !isGateway(service)),
  );
}

/** Another cluster's public Keep proxy, by the naming convention that the Arvados SDKs have for `+K@` hints. */
function clusterProxy(clusterId: string): KeepService {
  return {
    uuid: `${clusterId}-bi6l4-000000000000000`,
    baseUrl: `https://keep.${clusterId}.arvadosapi.com`,
    serviceType: 'proxy',
    readOnly: true,
  };
}

/** Where to look for a block: what its `+K` hints name, as they stand, then every service but the gateways. */
export function readOrder(locator: Locator, services: readonly KeepService[]): KeepService[] {
  const hinted: KeepService[] = [];
  for (const place of placeHints(locator)) {
    if ('clusterId' in place) {
      hinted.push(clusterProxy(place.clusterId));
    } else {
      const gateway = services.find((service) => service.uuid === place.gatewayUuid);
      if (gateway) {
        hinted.push(gateway);
      }
    }
  }
  const rest = services.filter((service) => !isGateway(service) && !hinted.includes(service));
  return [...hinted, ...rendezvousOrder(locator.md5, rest)];
}

import type { KeepService } from '../keep/ports.ts';
import { type CurrentUser, fetchCurrentUser, fetchTokenInfo, type TokenInfo } from './account.ts';
import { ApiClient, type ApiClientOptions } from './api-client.ts';
import { type ClusterConfig, fetchClusterConfig } from './cluster-config.ts';
import { Collections } from './collections.ts';
import { type Discovery, DiscoverySource } from './discovery.ts';
import { fetchKeepServices } from './keep-services.ts';
import { Projects } from './projects.ts';

/** One account on one cluster. Every method takes a signal, and throws what `ApiClient.request` does. */
export class ArvadosApi {
  readonly client: ApiClient;
  readonly collections: Collections;
  readonly projects: Projects;
  readonly #discovery: DiscoverySource;

  constructor(options: ApiClientOptions) {
    this.client = new ApiClient(options);
    this.#discovery = new DiscoverySource(this.client);
    this.collections = new Collections(this.client, this.#discovery);
    this.projects = new Projects(this.client);
  }

  discovery(signal?: AbortSignal): Promise<Discovery> {
    return this.#discovery.get(signal);
  }

  config(signal?: AbortSignal): Promise<ClusterConfig> {
    return fetchClusterConfig(this.client, signal);
  }

  currentUser(signal?: AbortSignal): Promise<CurrentUser> {
    return fetchCurrentUser(this.client, signal);
  }

  tokenInfo(signal?: AbortSignal): Promise<TokenInfo> {
    return fetchTokenInfo(this.client, signal);
  }

  keepServices(signal?: AbortSignal): Promise<readonly KeepService[]> {
    return fetchKeepServices(this.client, signal);
  }

  /** Ends requests under way with CLOSED. */
  close(): void {
    this.client.close();
  }
}

import type { ApiRequest, Caller } from './api-request.ts';
import type { ClusterContext } from './cluster-context.ts';
import type { JsonObject } from './json.ts';

export interface EndpointInput {
  readonly context: ClusterContext;
  readonly request: ApiRequest;
  /** The `:uuid` of the route. */
  readonly uuid: string;
  readonly caller: Caller | undefined;
}

/** An endpoint for who has a token. Throws ApiError. */
export type Handler = (input: SignedIn) => JsonObject | Promise<JsonObject>;
export type SignedIn = EndpointInput & { readonly caller: Caller };

/** `METHOD path`, below `/arvados/v1`; `:uuid` stands for one part. */
export type Routes = Readonly<Record<string, Handler>>;

/** What needs no token. */
export type OpenRoutes = Readonly<Record<string, (input: EndpointInput) => JsonObject>>;

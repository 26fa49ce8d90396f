import type { ClusterContext } from './cluster-context.ts';
import type { ReachedAt } from './config-document.ts';
import type { JsonObject } from './json.ts';
import { COLLECTIONS, GROUPS, LOGS, type ResourceTable, USERS } from './resource-tables.ts';

interface Method {
  readonly verb: string;
  readonly path: string;
  readonly parameters?: readonly string[];
  /** The wrapper of the attributes, where there is a body. */
  readonly request?: string;
  readonly response: string;
}

const LIST = [
  'filters',
  'where',
  'order',
  'select',
  'distinct',
  'limit',
  'offset',
  'count',
  'cluster_id',
  'bypass_federation',
];
const TRASH = ['include_trash'];
const VERSIONS = ['include_old_versions'];

/** Types other than string, by parameter name. */
const PARAMETER_TYPES: Readonly<Record<string, string>> = {
  filters: 'array',
  where: 'object',
  order: 'array',
  select: 'array',
  distinct: 'boolean',
  limit: 'integer',
  offset: 'integer',
  bypass_federation: 'boolean',
  include_trash: 'boolean',
  include_old_versions: 'boolean',
  ensure_unique_name: 'boolean',
  replace_files: 'object',
  replace_segments: 'object',
  recursive: 'boolean',
  exclude_home_project: 'boolean',
  include: 'array',
};

function crud(
  plural: string,
  singular: string,
  schema: string,
  more: Record<string, Method>,
  extra: string[] = [],
): Record<string, Method> {
  const change = ['select', 'ensure_unique_name', 'cluster_id', ...extra];
  return {
    get: {
      verb: 'GET',
      path: `${plural}/{uuid}`,
      parameters: ['select', ...TRASH, ...VERSIONS],
      response: schema,
    },
    list: {
      verb: 'GET',
      path: plural,
      parameters: [...LIST, ...TRASH, ...VERSIONS],
      response: `${schema}List`,
    },
    create: { verb: 'POST', path: plural, parameters: change, request: singular, response: schema },
    update: {
      verb: 'PUT',
      path: `${plural}/{uuid}`,
      parameters: [...change, ...TRASH],
      request: singular,
      response: schema,
    },
    delete: { verb: 'DELETE', path: `${plural}/{uuid}`, response: schema },
    ...more,
  };
}

const RESOURCES: Readonly<Record<string, Readonly<Record<string, Method>>>> = {
  collections: crud(
    'collections',
    'collection',
    'Collection',
    {
      trash: { verb: 'POST', path: 'collections/{uuid}/trash', response: 'Collection' },
      untrash: {
        verb: 'POST',
        path: 'collections/{uuid}/untrash',
        parameters: ['ensure_unique_name'],
        response: 'Collection',
      },
    },
    ['replace_files', 'replace_segments'],
  ),
  groups: crud('groups', 'group', 'Group', {
    contents: {
      verb: 'GET',
      path: 'groups/contents',
      parameters: [...LIST, ...TRASH, 'uuid', 'recursive', 'include', 'exclude_home_project'],
      response: 'Group',
    },
    trash: { verb: 'POST', path: 'groups/{uuid}/trash', response: 'Group' },
    untrash: {
      verb: 'POST',
      path: 'groups/{uuid}/untrash',
      parameters: ['ensure_unique_name'],
      response: 'Group',
    },
  }),
  users: {
    current: { verb: 'GET', path: 'users/current', response: 'User' },
    get: { verb: 'GET', path: 'users/{uuid}', parameters: ['select'], response: 'User' },
    list: { verb: 'GET', path: 'users', parameters: LIST, response: 'UserList' },
    create: { verb: 'POST', path: 'users', parameters: ['select'], request: 'user', response: 'User' },
  },
  logs: {
    get: { verb: 'GET', path: 'logs/{uuid}', parameters: ['select'], response: 'Log' },
    list: { verb: 'GET', path: 'logs', parameters: LIST, response: 'LogList' },
  },
  keep_services: {
    accessible: { verb: 'GET', path: 'keep_services/accessible', response: 'KeepServiceList' },
    list: { verb: 'GET', path: 'keep_services', parameters: LIST, response: 'KeepServiceList' },
    get: { verb: 'GET', path: 'keep_services/{uuid}', parameters: ['select'], response: 'KeepService' },
  },
  api_client_authorizations: {
    current: { verb: 'GET', path: 'api_client_authorizations/current', response: 'ApiClientAuthorization' },
  },
  configs: { get: { verb: 'GET', path: 'config', response: 'Config' } },
  vocabularies: { get: { verb: 'GET', path: 'vocabulary', response: 'Vocabulary' } },
};

/** The discovery document: what the Python SDK builds its client from. */
export function discoveryDocument(context: ClusterContext, reached: ReachedAt): JsonObject {
  return {
    kind: 'discovery#restDescription',
    discoveryVersion: 'v1',
    id: 'arvados:v1',
    name: 'arvados',
    version: 'v1',
    revision: '20260801',
    source_version: 'keepsync-local',
    packageVersion: '3.2.1',
    title: 'Arvados API',
    description: 'The local cluster of Keepsync: the part of the Arvados API that its clients need',
    protocol: 'rest',
    baseUrl: `https://${reached.host}/arvados/v1/`,
    basePath: '/arvados/v1/',
    rootUrl: `https://${reached.host}/`,
    servicePath: 'arvados/v1/',
    batchPath: 'batch',
    websocketUrl: `wss://${reached.host}/websocket`,
    uuidPrefix: context.identity.clusterId,
    defaultCollectionReplication: context.limits.defaultReplication,
    maxRequestSize: context.limits.maxRequestSize,
    maxItemsPerResponse: 1000,
    blobSignatureTtl: context.signing.ttlSeconds,
    defaultTrashLifetime: context.limits.trashLifetimeSeconds,
    parameters: {
      alt: { type: 'string', description: 'Data format', default: 'json', enum: ['json'], location: 'query' },
      fields: { type: 'string', description: 'Fields to include', location: 'query' },
      api_token: { type: 'string', description: 'Token', location: 'query' },
    },
    auth: {
      oauth2: {
        scopes: {
          'https://api.arvados.org/auth/arvados': { description: 'View and manage objects' },
        },
      },
    },
    schemas: schemas(),
    resources: Object.fromEntries(
      Object.entries(RESOURCES).map(([name, methods]) => [name, resource(name, methods)]),
    ),
  };
}

function resource(name: string, methods: Readonly<Record<string, Method>>): JsonObject {
  const described: Record<string, JsonObject> = {};
  for (const [methodName, method] of Object.entries(methods)) {
    const parameters: Record<string, JsonObject> = {};
    if (method.path.includes('{uuid}')) {
      parameters.uuid = { type: 'string', required: true, location: 'path' };
    }
    for (const parameter of method.parameters ?? []) {
      parameters[parameter] = {
        type: PARAMETER_TYPES[parameter] ?? 'string',
        required: false,
        location: 'query',
      };
    }
    described[methodName] = {
      id: `arvados.${name}.${methodName}`,
      path: method.path,
      httpMethod: method.verb,
      description: `${methodName} of ${name}`,
      parameters,
      response: { $ref: method.response },
      scopes: ['https://api.arvados.org/auth/arvados'],
      ...(method.request === undefined
        ? {}
        : {
            request: {
              required: false,
              properties: { [method.request]: { $ref: method.response } },
            },
          }),
    };
  }
  return { methods: described };
}

function schemas(): JsonObject {
  const result: Record<string, JsonObject> = {};
  const add = (name: string, columns: ResourceTable['columns'] | undefined) => {
    const properties: Record<string, JsonObject> = {};
    for (const [column, { kind }] of Object.entries(columns ?? {})) {
      const type = { text: 'text', integer: 'integer', boolean: 'boolean', json: 'Hash', time: 'datetime' }[
        kind
      ];
      properties[column] = { type };
    }
    result[name] = { id: name, type: 'object', uuidPrefix: '', properties };
    result[`${name}List`] = {
      id: `${name}List`,
      type: 'object',
      properties: {
        kind: { type: 'string' },
        etag: { type: 'string' },
        items: { type: 'array', items: { $ref: name } },
      },
    };
  };
  add('Collection', COLLECTIONS.columns);
  add('Group', GROUPS.columns);
  add('User', USERS.columns);
  add('Log', LOGS.columns);
  add('KeepService', undefined);
  add('ApiClientAuthorization', undefined);
  add('Config', undefined);
  add('Vocabulary', undefined);
  return result;
}

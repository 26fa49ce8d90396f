import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { startCluster } from '../../src/cluster/cluster.ts';
import type { ClusterOptions, LocalCluster } from '../../src/cluster/cluster-options.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** Whether the body ended where Content-Length said. */
  readonly isComplete: boolean;
}

/** A record of the API, loosely: tests look at fields by name. */
export type Fields = Record<string, unknown>;

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Fields;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly ca?: string;
}

/** One plain request on a connection of its own. Rejects where the connection is cut before the headers. */
function ask(url: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const start = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = start(
      url,
      {
        method: options.method ?? 'GET',
        headers: {
          ...(options.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(options.body) }),
          ...options.headers,
        },
        agent: false,
        // whatever the Host header says, this is who we talk to
        servername: 'localhost',
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        const done = () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: Buffer.concat(pieces),
            isComplete: response.complete,
          });
        response.on('close', done);
        // a body cut short is an answer here: `isComplete` says so
        response.on('error', done);
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

export const md5 = (bytes: string | Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Where a local cluster is, whoever runs it. */
export type ClusterAddress = Pick<LocalCluster, 'apiHost' | 'caFile' | 'keepUrls' | 'token'>;

/** The API and Keep of a local cluster, as one user. */
export class ClusterClient<Cluster extends ClusterAddress = LocalCluster> {
  readonly cluster: Cluster;
  readonly token: string;
  readonly #ca: string;

  constructor(cluster: Cluster, token: string = cluster.token) {
    this.cluster = cluster;
    this.token = token;
    this.#ca = readFileSync(cluster.caFile, 'utf8');
  }

  /** `path` is below `/arvados/v1/`; a query may be in it. */
  async api(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const answer = await this.raw(method, `/arvados/v1/${path}`, {
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      headers: answer.headers,
      body: JSON.parse(answer.bytes.toString('utf8')),
    };
  }

  raw(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    return ask(`https://${this.cluster.apiHost}${path}`, {
      ...options,
      method,
      ca: this.#ca,
      headers: { Authorization: `Bearer ${this.token}`, ...options.headers },
    });
  }

  /** As `api`, but anything other than success fails the test with what the server said. */
  async good(method: string, path: string, body?: unknown): Promise<Fields> {
    const answer = await this.api(method, path, body);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** The items of a list. */
  async list(path: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<Fields[]> {
    const query = Object.entries(parameters).map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return `${name}=${encodeURIComponent(text)}`;
    });
    const answer = await this.good('GET', `${path}?${query.join('&')}`);
    return answer.items as Fields[];
  }

  /** Stores a block and gives its signed locator. */
  async putBlock(bytes: string | Uint8Array, server = 0): Promise<string> {
    const answer = await this.keep('PUT', `/${md5(bytes)}`, { body: bytes }, server);
    if (answer.status !== 200) {
      throw new Error(`PUT of a block: ${answer.status} ${answer.bytes.toString('utf8')}`);
    }
    return answer.bytes.toString('utf8').trim();
  }

  keep(method: string, path: string, options: RequestOptions = {}, server = 0): Promise<Answer> {
    return ask(`${this.cluster.keepUrls[server] ?? ''}${path}`, {
      ...options,
      method,
      ca: this.#ca,
      headers: { Authorization: `Bearer ${this.token}`, ...options.headers },
    });
  }

  /** A collection of these files, each a block of its own, as `path → content`. */
  async saveFiles(files: Readonly<Record<string, string>>, attributes: Fields = {}): Promise<Fields> {
    return this.good('POST', 'collections', {
      collection: { ...attributes, manifest_text: await this.manifestOf(files) },
    });
  }

  /** The signed manifest of such files; the API takes it as it is. */
  async manifestOf(files: Readonly<Record<string, string>>): Promise<string> {
    let manifest = '';
    for (const [path, content] of Object.entries(files)) {
      const slash = path.lastIndexOf('/');
      const stream = slash < 0 ? '.' : `./${path.slice(0, slash)}`;
      const locator = content === '' ? 'd41d8cd98f00b204e9800998ecf8427e+0' : await this.putBlock(content);
      manifest += `${stream} ${locator} 0:${content.length}:${path.slice(slash + 1)}\n`;
    }
    return manifest;
  }

  /** The stored manifest, without signatures. */
  async manifest(uuidOrPdh: string): Promise<string> {
    return withoutSignatures(String((await this.good('GET', `collections/${uuidOrPdh}`)).manifest_text));
  }
}

export function withoutSignatures(manifest: string): string {
  return manifest.replaceAll(/\+A[0-9a-f]{40}@[0-9a-f]{8}/g, '');
}

/** Clusters in temporary folders, all closed and removed by `cleanUp`. */
export class ClusterStage {
  readonly #running = new Set<LocalCluster>();
  readonly #folders: string[] = [];

  folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'keepsync-cluster-'));
    this.#folders.push(path);
    return path;
  }

  async start(options: Partial<ClusterOptions> = {}): Promise<ClusterClient> {
    const cluster = await startCluster({
      dataDir: options.dataDir ?? this.folder(),
      log: silentLog,
      ...options,
    });
    this.#running.add(cluster);
    return new ClusterClient(cluster);
  }

  async stop(client: ClusterClient): Promise<void> {
    this.#running.delete(client.cluster);
    await client.cluster.close();
  }

  async cleanUp(): Promise<void> {
    for (const cluster of this.#running) {
      await cluster.close();
    }
    this.#running.clear();
    for (const path of this.#folders.splice(0)) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** A clock that a test turns; timers fire as it passes them. */
export class TurnedClock {
  #nowMs: number;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  turn(byMs: number): void {
    this.#nowMs += byMs;
    for (const timer of [...this.#timers]) {
      if (timer.atMs <= this.#nowMs) {
        this.#timers.delete(timer);
        timer.fire();
      }
    }
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeepsyncError } from '../base/errors.ts';
import { randomBase36, systemRandom } from '../base/random.ts';

/** What the first start makes up and every later start finds again, in `cluster.json` (mode 0600). */
export interface ClusterIdentity {
  readonly clusterId: string;
  /** 27 characters, as everywhere in Arvados. */
  readonly adminUserUuid: string;
  readonly blobSigningKey: string;
  /** Opens Keep's index and mounts. */
  readonly systemRootToken: string;
  readonly managementToken: string;
  /** 0 until the first start has found a free one. */
  readonly apiPort: number;
  /** As far as the servers were ever started. */
  readonly keepPorts: readonly number[];
}

const API_HOST_FILE = 'api-host';
const TOKEN_FILE = 'token';
const CERTIFICATE_FILE = 'cert.pem';

/** What other programs need to find a cluster. */
export function clusterEnv(apiHost: string, token: string, certificateFile: string): Record<string, string> {
  return { ARVADOS_API_HOST: apiHost, ARVADOS_API_TOKEN: token, SSL_CERT_FILE: certificateFile };
}

/** The same for a cluster that another process runs on this folder; undefined where none ever did. */
export function runningClusterEnv(dataDir: string): Record<string, string> | undefined {
  const [hostFile, tokenFile] = [join(dataDir, API_HOST_FILE), join(dataDir, TOKEN_FILE)];
  if (!existsSync(hostFile) || !existsSync(tokenFile)) {
    return undefined;
  }
  return clusterEnv(
    readFileSync(hostFile, 'utf8').trim(),
    readFileSync(tokenFile, 'utf8').trim(),
    join(dataDir, CERTIFICATE_FILE),
  );
}

/** The folder in which the local cluster keeps everything, and the few files in it that are not records or blocks. */
export class DataFolder {
  readonly path: string;

  /** Throws FILE_DENIED and the like where the folder cannot be made. */
  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  get certificateFile(): string {
    return join(this.path, CERTIFICATE_FILE);
  }

  get keyFile(): string {
    return join(this.path, 'key.pem');
  }

  get recordsFile(): string {
    return join(this.path, 'records.sqlite');
  }

  /** Blocks of one Keep server, in keepstore's own layout. */
  keepFolder(index: number): string {
    return join(this.path, `keep${index}`);
  }

  /** Throws STATE when the file is there but not readable as an identity: never makes a new one over it. */
  loadIdentity(): ClusterIdentity {
    const file = join(this.path, 'cluster.json');
    if (existsSync(file)) {
      return parseIdentity(readFileSync(file, 'utf8'), file);
    }
    const clusterId = `k${randomBase36(systemRandom, 4)}`;
    const identity: ClusterIdentity = {
      clusterId,
      adminUserUuid: `${clusterId}-tpzed-${randomBase36(systemRandom, 15)}`,
      blobSigningKey: randomBase36(systemRandom, 50),
      systemRootToken: randomBase36(systemRandom, 50),
      managementToken: randomBase36(systemRandom, 50),
      apiPort: 0,
      keepPorts: [],
    };
    this.saveIdentity(identity);
    return identity;
  }

  saveIdentity(identity: ClusterIdentity): void {
    this.writeSecret('cluster.json', `${JSON.stringify(identity, undefined, 2)}\n`);
  }

  /** The admin's token; `make` is asked for one at the first start only. */
  loadToken(make: () => string): string {
    const file = join(this.path, TOKEN_FILE);
    if (existsSync(file)) {
      return readFileSync(file, 'utf8').trim();
    }
    const token = make();
    this.writeSecret(TOKEN_FILE, `${token}\n`);
    return token;
  }

  /** Where the API listens now, for `runningClusterEnv`. */
  saveApiHost(apiHost: string): void {
    this.writePublic(API_HOST_FILE, `${apiHost}\n`);
  }

  /** Writes beside and renames over, so that a crash leaves the old file or the new one; mode 0600. */
  writeSecret(name: string, content: string): void {
    this.#write(name, content, 0o600);
  }

  writePublic(name: string, content: string): void {
    this.#write(name, content, 0o644);
  }

  #write(name: string, content: string, mode: number): void {
    const temporary = join(this.path, `.${name}.${randomBytes(4).toString('hex')}`);
    writeFileSync(temporary, content, { mode, flush: true });
    chmodSync(temporary, mode);
    renameSync(temporary, join(this.path, name));
  }
}

/** 27 characters; the same folder gives the same servers the same place in the rendezvous order, every time. */
export function keepServiceUuid(identity: ClusterIdentity, index: number): string {
  const digest = createHash('md5').update(`${identity.clusterId} keep ${index}`).digest('hex');
  return `${identity.clusterId}-bi6l4-${digest.slice(0, 15)}`;
}

function parseIdentity(text: string, file: string): ClusterIdentity {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, cause);
  }
  if (typeof value !== 'object' || value === null) {
    throw damaged(file);
  }
  const fields = value as Record<string, unknown>;
  const string = (name: string): string => {
    const field = fields[name];
    if (typeof field !== 'string' || field === '') {
      throw damaged(file);
    }
    return field;
  };
  const ports = fields.keepPorts;
  return {
    clusterId: string('clusterId'),
    adminUserUuid: string('adminUserUuid'),
    blobSigningKey: string('blobSigningKey'),
    systemRootToken: string('systemRootToken'),
    managementToken: string('managementToken'),
    apiPort: typeof fields.apiPort === 'number' ? fields.apiPort : 0,
    keepPorts: Array.isArray(ports) ? ports.map((port) => (typeof port === 'number' ? port : 0)) : [],
  };
}

function damaged(file: string, cause?: unknown): KeepsyncError {
  return new KeepsyncError('STATE', `${file} is damaged`, {
    action: 'Bring it back from a backup: it holds the keys to the blocks beside it',
    cause,
  });
}

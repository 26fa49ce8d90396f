import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { runningClusterEnv } from '../../../src/cluster/data-folder.ts';
import { type ClusterAddress, ClusterClient, md5 } from '../cluster-client.ts';

/** md5 by path, with `/` between folders. */
export type Content = Readonly<Record<string, string>>;

/** Every file below a folder of this computer. */
export function contentOfFolder(folder: string): Content {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path).replaceAll(sep, '/'), md5(readFileSync(path))];
    }),
  );
}

/**
 * Every file of a collection, read from Keep as its manifest says, without a line of the client. Throws where a block is
 * missing or is not what its name says.
 */
export async function contentOfCollection(
  client: ClusterClient<ClusterAddress>,
  uuid: string,
): Promise<Content> {
  const { manifest_text: manifest } = await client.good('GET', `collections/${uuid}`);
  const content: Record<string, string> = {};
  const blocks = new BlockReader(client);
  for (const line of String(manifest).split('\n').filter(Boolean)) {
    const [stream = '', ...tokens] = line.split(' ');
    const locators = tokens.filter((token) => /^[0-9a-f]{32}\+/.test(token));
    const ranges = new Map<string, Array<readonly [number, number]>>();
    for (const token of tokens.slice(locators.length)) {
      const [, position, length, name = ''] = /^(\d+):(\d+):(.*)$/.exec(token) ?? [];
      const path = unescaped(stream === '.' ? name : `${stream.slice(2)}/${name}`);
      ranges.set(path, [...(ranges.get(path) ?? []), [Number(position), Number(length)]]);
    }
    for (const [path, parts] of ranges) {
      const hash = createHash('md5');
      for (const [position, length] of parts) {
        for await (const bytes of blocks.read(locators, position, length)) {
          hash.update(bytes);
        }
      }
      content[path] = hash.digest('hex');
    }
  }
  return content;
}

/** The cluster that another process runs on this data folder. */
export async function clusterIn(dataDir: string): Promise<ClusterClient<ClusterAddress>> {
  const env = runningClusterEnv(dataDir);
  const address = {
    apiHost: env?.ARVADOS_API_HOST ?? '',
    token: env?.ARVADOS_API_TOKEN ?? '',
    caFile: env?.SSL_CERT_FILE ?? '',
  };
  const services = await new ClusterClient({ ...address, keepUrls: [] }).list('keep_services/accessible');
  const keepUrls = services.map(
    (service) =>
      `${service.service_ssl_flag === true ? 'https' : 'http'}://${String(service.service_host)}:${String(service.service_port)}`,
  );
  return new ClusterClient({ ...address, keepUrls });
}

const unescaped = (name: string): string =>
  name.replaceAll(/(?:\\[0-7]{3})+/g, (codes) =>
    Buffer.from((codes.match(/[0-7]{3}/g) ?? []).map((code) => Number.parseInt(code, 8))).toString('utf8'),
  );

/** Reads ranges of streams; the block read last is kept, for the small files that share it. */
class BlockReader {
  readonly #client: ClusterClient<ClusterAddress>;
  #locator = '';
  #bytes: Uint8Array = new Uint8Array();

  constructor(client: ClusterClient<ClusterAddress>) {
    this.#client = client;
  }

  async *read(locators: readonly string[], position: number, length: number): AsyncGenerator<Uint8Array> {
    let start = 0;
    for (const locator of locators) {
      const size = Number(locator.split('+')[1]);
      const [from, to] = [Math.max(position, start), Math.min(position + length, start + size)];
      if (from < to) {
        yield (await this.#block(locator)).subarray(from - start, to - start);
      }
      start += size;
    }
  }

  async #block(locator: string): Promise<Uint8Array> {
    if (locator !== this.#locator) {
      const answer = await this.#client.keep('GET', `/${locator}`);
      if (answer.status !== 200 || md5(answer.bytes) !== locator.slice(0, 32)) {
        throw new Error(`Block ${locator} is not there: ${answer.status}`);
      }
      this.#locator = locator;
      this.#bytes = answer.bytes;
    }
    return this.#bytes;
  }
}

import { createHash } from 'node:crypto';
import { KeepsyncError } from '../../../src/base/errors.ts';
import { blockKey } from '../../../src/cli/collection-path.ts';
import type { CollectionAccess } from '../../../src/cli/services.ts';
import { portableDataHash } from '../../../src/collection/manifest-text.ts';
import type { FetchTargets } from '../../../src/keep/ports.ts';
import { writeTargets } from '../../support/keep-targets.ts';

export const UUID = 'zzzzz-4zz18-000000000000001';

/** One collection and its blocks in memory. `onFetch` may fail a download, or wait. */
export class FakeCollections implements CollectionAccess {
  readonly fetched: string[] = [];
  onFetch: (key: string, count: number) => Promise<void> | void = () => undefined;
  readonly #blocks = new Map<string, Uint8Array>();
  manifestText = '';

  block(content: Uint8Array | string): string {
    const data = Buffer.from(content);
    const key = `${createHash('md5').update(data).digest('hex')}+${data.length}`;
    this.#blocks.set(key, data);
    return `${key}+A${'a'.repeat(40)}@ffffffff`;
  }

  readonly keep: CollectionAccess['keep'] = {
    get: async (locator) => {
      const key = blockKey(locator);
      this.fetched.push(key);
      await this.onFetch(key, this.fetched.length);
      const data = this.#blocks.get(key);
      if (data === undefined) {
        throw new KeepsyncError('NOT_FOUND', `No server has block ${key}`);
      }
      return data;
    },
    fetchTo: async (locator: string, targets: FetchTargets) =>
      await writeTargets(await this.keep.get(locator), targets),
  };

  prepareForBlocks(): void {
    // Its blocks are at hand.
  }

  async read(uuidOrPdh: string) {
    if (uuidOrPdh !== UUID && uuidOrPdh !== portableDataHash(this.manifestText)) {
      throw new KeepsyncError('NOT_FOUND', 'Path not found', { requestId: 'req-aaaaaaaaaaaaaaaaaaaa' });
    }
    return {
      uuid: UUID,
      portableDataHash: portableDataHash(this.manifestText),
      manifestText: this.manifestText,
    };
  }

  async close(): Promise<void> {
    this.fetched.push('closed');
  }
}

import { AsyncKeepWriteErrors } from '../../src/blocks/async-keep-write-errors.ts';
import type { ArvadosFile } from '../../src/collection/arvados-file.ts';
import type { ArvadosFileReader } from '../../src/collection/arvados-file-reader.ts';
import { Collection } from '../../src/collection/collection.ts';
import { validateManifest } from '../../src/collection/manifest-text.ts';
import { blocksWorld, settled } from './blocks-world.ts';

export const BLOCK_SIZE_BYTES = 40;

/** Steps of a random history of a small collection. */
export type Step =
  | { do: 'write'; path: string; offset: number; length: number }
  | { do: 'append'; path: string; length: number; short: number }
  | { do: 'truncate'; path: string; size: number }
  | { do: 'flush'; path: string; sync: boolean }
  | { do: 'close'; path: string; flush: boolean }
  | { do: 'copy' | 'rename'; path: string; to: string }
  | { do: 'remove'; path: string }
  | { do: 'snapshot'; path: string }
  | { do: 'read'; path: string; offset: number; length: number; exact: boolean }
  | { do: 'commit' }
  | { do: 'reload' }
  | { do: 'servers'; well: boolean }
  | { do: 'wait'; turns: number };

/** A collection beside plain byte arrays that must always hold the same. */
export class FileModel {
  readonly world = blocksWorld({ blockSizeBytes: BLOCK_SIZE_BYTES });
  #collection = this.world.collection();
  readonly #files = new Map<string, Uint8Array>();
  readonly #readers: Array<{ reader: ArvadosFileReader; content: Uint8Array }> = [];
  #counter = 1;

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'write': {
        const data = this.#fresh(step.length);
        await this.#file(step.path).writeTo(step.offset, data);
        this.#overwrite(step.path, step.offset, data);
        return;
      }
      case 'append': {
        const data = this.#fresh(step.length);
        let given = 0;
        const stopAt = Math.max(0, step.length - step.short);
        const appended = await this.#file(step.path).appendReserved(step.length, async (view) => {
          await settled(1);
          const count = Math.min(view.length, stopAt - given);
          view.set(data.subarray(given, given + count));
          given += count;
          return count;
        });
        expectSame(appended, stopAt, 'bytes appended');
        this.#overwrite(step.path, this.#content(step.path).length, data.subarray(0, stopAt));
        return;
      }
      case 'truncate': {
        this.#file(step.path).truncate(step.size);
        const content = new Uint8Array(step.size);
        content.set(this.#content(step.path).subarray(0, step.size));
        this.#files.set(step.path, content);
        return;
      }
      case 'flush':
        return await tolerant(() => this.#file(step.path).flush({ sync: step.sync }));
      case 'close':
        return await tolerant(() => this.#file(step.path).close({ flush: step.flush }));
      case 'copy':
      case 'rename':
        if (this.#files.has(step.path) && step.path !== step.to) {
          const content = this.#content(step.path);
          this.#collection[step.do](step.path, step.to, { overwrite: true });
          this.#files.set(step.to, content.slice());
          if (step.do === 'rename') {
            this.#files.delete(step.path);
          }
        }
        return;
      case 'remove':
        if (this.#files.delete(step.path)) {
          this.#collection.remove(step.path);
        }
        return;
      case 'snapshot':
        if (this.#files.has(step.path)) {
          const reader = this.#collection.open(step.path);
          this.#readers.push({ reader, content: this.#content(step.path).slice() });
        }
        return;
      case 'read':
        return await this.#read(step.path, step.offset, step.length, step.exact);
      case 'commit':
        return await tolerant(() => this.#collection.commitAll());
      case 'reload':
        return await tolerant(() => this.#reload());
      case 'servers':
        this.world.store.defaultFate = step.well ? 'store' : 'fail';
        return;
      case 'wait':
        return await settled(step.turns);
    }
  }

  /** What must hold at any time. */
  check(): void {
    for (const [path, content] of this.#files) {
      const file = this.#file(path);
      expectSame(file.size(), content.length, `size of ${path}`);
      let position = 0;
      let last: { locator: string; offset: number; length: number } | undefined;
      for (const segment of file.segments()) {
        expectSame(segment.fileStart, position, `place of a segment of ${path}`);
        expectSame(segment.length > 0, true, `a filled segment of ${path}`);
        const merges = last?.locator === segment.locator && last.offset + last.length === segment.offset;
        expectSame(merges, false, `neighbours that should be one segment of ${path}`);
        position += segment.length;
        last = segment;
      }
    }
    expectSame(this.world.mostPending() <= 4, true, 'at most 4 pending blocks');
    expectSame(this.world.store.mostPutsUnderWay <= 2, true, 'at most 2 uploads at a time');
  }

  /** Heals the servers, commits, and compares everything, by other ways too; then nothing may be left behind. */
  async finish(): Promise<void> {
    await this.verifyContents();
    while (this.world.manager.pending > 0) {
      await settled(1);
    }
    this.world.store.defaultFate = 'store';
    await this.#collection.commitAll();
    this.check();
    await this.verifyContents();
    const manifest = this.#collection.manifestText();
    validateManifest(manifest);
    for (const [locator] of manifest.matchAll(/(?<= )[0-9a-f]{32}\+[1-9][0-9]*/g)) {
      expectSame(this.world.store.blocks.has(locator), true, `block ${locator} of the manifest is stored`);
    }
    const again = Collection.fromManifest(this.world.manager, manifest);
    expectSame(again.manifestText({ normalize: true }), manifest, 'the manifest read and written again');
    const paths = [...again.walk()].filter((entry) => entry.kind === 'file').map((entry) => entry.path);
    expectSame(paths.join('|'), [...this.#files.keys()].sort().join('|'), 'paths in the manifest');
    again.close();
    for (const { reader, content } of this.#readers) {
      expectBytes(await reader.readAll(), content, 'a snapshot');
      reader.close();
    }
    while (this.world.manager.pending > 0) {
      await settled(1);
    }
    expectSame(this.world.manager.list().length, 0, 'blocks left in the table');
    expectSame(this.world.pool.inUse, 0, 'buffers left in use');
    this.#collection.close();
    await this.world.manager.stopThreads();
  }

  async verifyContents(): Promise<void> {
    for (const [path, content] of this.#files) {
      expectBytes(await this.#file(path).readFrom(0, content.length + 1), content, path);
    }
  }

  async #read(path: string, offset: number, length: number, exact: boolean): Promise<void> {
    const expected = this.#content(path).subarray(offset, offset + length);
    const read = await this.#file(path).readFrom(offset, length, { exact });
    if (!exact && read.length < expected.length) {
      expectSame(read.length > 0, true, 'something is read before the end');
    } else {
      expectSame(read.length, expected.length, 'bytes read');
    }
    expectBytes(read, expected.subarray(0, read.length), path);
  }

  /** Saved and opened again, as a new process would. */
  async #reload(): Promise<void> {
    await this.#collection.commitAll();
    const manifest = this.#collection.manifestText();
    this.#collection.close();
    this.#collection = Collection.fromManifest(this.world.manager, manifest);
  }

  #file(path: string): ArvadosFile {
    const node = this.#collection.find(path) ?? this.#collection.create(path);
    if (!('writeTo' in node)) {
      throw new Error(`${path} is a folder`);
    }
    if (!this.#files.has(path)) {
      this.#files.set(path, new Uint8Array(0));
    }
    return node;
  }

  #content(path: string): Uint8Array {
    return this.#files.get(path) ?? new Uint8Array(0);
  }

  #overwrite(path: string, offset: number, data: Uint8Array): void {
    if (data.length === 0) {
      return;
    }
    const old = this.#content(path);
    const content = new Uint8Array(Math.max(old.length, offset + data.length));
    content.set(old);
    content.set(data, offset);
    this.#files.set(path, content);
  }

  /** Bytes that tell where they come from, never zero. */
  #fresh(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => {
      this.#counter = (this.#counter * 167 + 13) % 65_521;
      return 1 + (this.#counter % 255);
    });
  }
}

async function tolerant(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (thrown) {
    if (!(thrown instanceof AsyncKeepWriteErrors)) {
      throw thrown;
    }
  }
}

function expectSame<T>(actual: T, expected: T, what: string): void {
  if (actual !== expected) {
    throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
  }
}

function expectBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(Buffer.from(actual), Buffer.from(expected)) !== 0) {
    throw new Error(`${what}: [${[...actual].join(' ')}] instead of [${[...expected].join(' ')}]`);
  }
}

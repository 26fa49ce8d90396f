import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorRecord } from '../../src/base/errors.ts';
import { createLocalWatcher } from '../../src/local/local-watcher.ts';
import type { Watcher, Watching } from '../../src/local/ports.ts';
import { createThreadedWatcher } from '../../src/local/threaded-watcher.ts';
import { isAtOrBelow } from '../../src/local/tree-roots.ts';
import { PLAIN_RULES } from '../support/disk-conformance.ts';

const WATCHERS: ReadonlyArray<readonly [name: string, make: () => Watcher]> = [
  ['chokidar', () => createLocalWatcher({ watchEntriesMax: 50_000 })],
  ['folders only', () => createLocalWatcher({ watchEntriesMax: 0 })],
  ['chokidar in a thread', () => createThreadedWatcher({ watchEntriesMax: 50_000 })],
];

/** Collects hints and lets a test wait for one, however long the machine takes. */
class Ear {
  readonly doubts: ErrorRecord[] = [];
  readonly #heard: string[] = [];
  #wake: () => void = () => undefined;

  readonly events = {
    onHints: (hints: ReadonlyArray<{ readonly diskPath: string }>) => {
      this.#heard.push(...hints.map((hint) => hint.diskPath));
      this.#wake();
    },
    onDoubt: (error: ErrorRecord) => {
      this.doubts.push(error);
      this.#wake();
    },
  };

  /** Resolves once a hint covers the path; what was heard before the call counts too. The test's time limit ends it. */
  async covers(path: string): Promise<void> {
    while (!this.#heard.some((hint) => isAtOrBelow(path, hint, '/'))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  forget(): void {
    this.#heard.length = 0;
  }

  get heard(): readonly string[] {
    return this.#heard;
  }
}

describe.each(WATCHERS)('the watcher (%s) on this system', (_name, make) => {
  let root = '';
  let ear: Ear;
  let watching: Watching | undefined;
  const at = (path: string) => join(root, path);
  const start = async (roots = [{ diskPath: root, prefix: '' }], rules = PLAIN_RULES) => {
    watching = await make().watch(roots, rules, ear.events);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'keepsync-watch-'));
    ear = new Ear();
  });
  afterEach(async () => {
    await watching?.close();
    watching = undefined;
    rmSync(root, { recursive: true, force: true });
  });

  it('hints at a new file, an edit, a rename and a delete', async () => {
    writeFileSync(at('old'), '1');
    await start();
    writeFileSync(at('new'), '1');
    await ear.covers(at('new'));
    ear.forget();
    appendFileSync(at('old'), '2');
    await ear.covers(at('old'));
    ear.forget();
    renameSync(at('old'), at('renamed'));
    await ear.covers(at('old'));
    await ear.covers(at('renamed'));
    ear.forget();
    rmSync(at('new'));
    await ear.covers(at('new'));
  });

  it('hints at a file that an editor saved by renaming', async () => {
    writeFileSync(at('doc'), '1');
    await start();
    writeFileSync(at('.doc.tmp'), '2');
    renameSync(at('.doc.tmp'), at('doc'));
    await ear.covers(at('doc'));
  });

  it('hints at a file whose name ends in a tilde', async () => {
    await start();
    writeFileSync(at('notes~'), '1');
    await ear.covers(at('notes~'));
  });

  it('hears what goes on in new folders, many at once', async () => {
    await start();
    for (let index = 0; index < 100; index++) {
      mkdirSync(at(`bulk/d${index}/sub`), { recursive: true });
      writeFileSync(at(`bulk/d${index}/sub/f`), '1');
    }
    for (let index = 0; index < 100; index++) {
      await ear.covers(at(`bulk/d${index}/sub/f`));
    }
    // Once hints of the deepest were heard, a watch stands there, and an edit is heard again.
    ear.forget();
    appendFileSync(at('bulk/d99/sub/f'), '2');
    await ear.covers(at('bulk/d99/sub/f'));
  });

  it('goes on hearing in a folder that was renamed, under its new name', async () => {
    mkdirSync(at('a/deep'), { recursive: true });
    writeFileSync(at('a/deep/f'), '1');
    await start();
    renameSync(at('a'), at('b'));
    await ear.covers(at('a'));
    await ear.covers(at('b'));
    ear.forget();
    appendFileSync(at('b/deep/f'), '2');
    await ear.covers(at('b/deep/f'));
  });

  it('hears what goes on in a new folder that took the name of a renamed one', async () => {
    mkdirSync(at('a/deep'), { recursive: true });
    await start();
    renameSync(at('a'), at('b'));
    mkdirSync(at('a/deep'), { recursive: true });
    writeFileSync(at('a/deep/f'), '1');
    await ear.covers(at('a/deep/f'));
    // Only once the new folder is watched does an edit in it come through by itself.
    while (!ear.heard.includes(at('a/deep/f'))) {
      ear.forget();
      appendFileSync(at('a/deep/f'), '2');
      await ear.covers(at('a/deep/f'));
    }
  });

  it('watches several roots that are files of one folder', async () => {
    writeFileSync(at('one'), '1');
    writeFileSync(at('two'), '1');
    await start(['one', 'two'].map((name) => ({ diskPath: at(name), prefix: name })));
    appendFileSync(at('one'), '2');
    await ear.covers(at('one'));
    appendFileSync(at('two'), '2');
    await ear.covers(at('two'));
  });

  it('hints at a folder that was removed with everything in it', async () => {
    mkdirSync(at('a/deep'), { recursive: true });
    writeFileSync(at('a/deep/f'), '1');
    await start();
    rmSync(at('a'), { recursive: true });
    await ear.covers(at('a'));
  });

  it('does not watch folders that a pattern leaves out', async () => {
    mkdirSync(at('build'));
    await start(undefined, { ...PLAIN_RULES, patterns: ['build/'] });
    writeFileSync(at('build/noise'), '1');
    writeFileSync(at('signal'), '1');
    await ear.covers(at('signal'));
    expect(ear.heard.filter((path) => isAtOrBelow(path, at('build'), '/'))).toEqual([]);
  });

  it('watches a root that is a file', async () => {
    writeFileSync(at('single'), '1');
    await start([{ diskPath: at('single'), prefix: 'single' }]);
    appendFileSync(at('single'), '2');
    await ear.covers(at('single'));
  });

  it('follows links to folders where that is wanted, circles and all', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'keepsync-outside-'));
    try {
      symlinkSync(outside, at('out'));
      symlinkSync(root, at('round'));
      await start(undefined, { ...PLAIN_RULES, followLinks: true });
      writeFileSync(join(outside, 'f'), '1');
      await ear.covers(at('out/f'));
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('says nothing after it was closed, and can be closed twice', async () => {
    await start();
    await watching?.close();
    await watching?.close();
    ear.forget();
    writeFileSync(at('late'), '1');
    // A second watcher on the same folder hears it, so the first one could have.
    const other = new Ear();
    const second = await make().watch([{ diskPath: root, prefix: '' }], PLAIN_RULES, other.events);
    writeFileSync(at('later'), '1');
    await other.covers(at('later'));
    await second.close();
    expect(ear.heard).toEqual([]);
    expect(ear.doubts).toEqual([]);
  });
});

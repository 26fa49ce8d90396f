import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import { dirname } from 'node:path';
import * as z from 'zod';
import type { Clock } from '../../base/clock.ts';
import {
  makePrivateDir,
  PRIVATE_FILE_MODE,
  parseJsonOrUndefined,
  readIfThere,
  systemCode,
} from '../../base/durable-file.ts';

const headerSchema = z.object({
  version: z.literal(1),
  /** What is fetched: another one makes everything below void. */
  portableDataHash: z.string(),
  partsDir: z.string(),
  bootId: z.string(),
});

/**
 * What an interrupted `get` has done: blocks that are written whole, files that got their names. A file of short lines,
 * only ever appended to.
 *
 * Written bytes may still be in the system's memory: after a kill they are there, after a power cut perhaps not. So what
 * was recorded before the computer's last start counts for nothing.
 */
export class GetState {
  readonly doneBlocks: ReadonlySet<string>;
  readonly finishedFiles: ReadonlySet<number>;
  /** Whether it goes on from an earlier run; if not, parts that are there are of no use. */
  readonly isResumed: boolean;
  /** Folder of parts that an earlier run of another content left behind. */
  readonly leftoverPartsDir: string | undefined;
  readonly #path: string;
  readonly #file: FileHandle;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    path: string,
    file: FileHandle,
    known: {
      isResumed: boolean;
      doneBlocks: Set<string>;
      finishedFiles: Set<number>;
      leftoverPartsDir: string | undefined;
    },
  ) {
    this.#path = path;
    this.#file = file;
    this.isResumed = known.isResumed;
    this.doneBlocks = known.doneBlocks;
    this.finishedFiles = known.finishedFiles;
    this.leftoverPartsDir = known.leftoverPartsDir;
  }

  static async open(options: {
    readonly path: string;
    readonly portableDataHash: string;
    readonly partsDir: string;
    readonly clock: Clock;
  }): Promise<GetState> {
    const { path, portableDataHash, partsDir } = options;
    await makePrivateDir(dirname(path));
    const bootId = await currentBootId(options.clock);
    const [first, ...lines] = ((await readIfThere(path)) ?? '').split('\n');
    const header = headerSchema.safeParse(parseJsonOrUndefined(first ?? ''));
    const known = {
      doneBlocks: new Set<string>(),
      finishedFiles: new Set<number>(),
      leftoverPartsDir: undefined,
    };
    const isOurs =
      header.success && header.data.portableDataHash === portableDataHash && header.data.bootId === bootId;
    if (isOurs) {
      // the last piece is no whole line: cut off by the kill
      for (const line of lines.slice(0, -1)) {
        if (line.startsWith('b ')) {
          known.doneBlocks.add(line.slice(2));
        } else if (line.startsWith('f ')) {
          known.finishedFiles.add(Number(line.slice(2)));
        }
      }
    }
    const leftoverPartsDir = header.success && !isOurs ? header.data.partsDir : undefined;
    const file = await open(path, isOurs ? 'a' : 'w', PRIVATE_FILE_MODE);
    // after a line that was cut off, a fresh one
    await file.appendFile(
      isOurs ? '\n' : `${JSON.stringify({ version: 1, portableDataHash, partsDir, bootId })}\n`,
    );
    return new GetState(path, file, { ...known, isResumed: isOurs, leftoverPartsDir });
  }

  blockDone(key: string): void {
    this.#append(`b ${key}\n`);
  }

  /** Before the rename: a file that is there and recorded is ours. Resolves when it is written. */
  filesFinishing(indexes: readonly number[]): Promise<void> {
    this.#append(indexes.map((index) => `f ${index}\n`).join(''));
    return this.#writing;
  }

  /** `forget`: everything is done, the next run begins afresh. */
  async close(how: { readonly forget: boolean }): Promise<void> {
    await this.#writing;
    await this.#file.close();
    if (how.forget) {
      await rm(this.#path, { force: true });
    }
  }

  #append(text: string): void {
    this.#writing = this.#writing.then(async () => {
      await this.#file.appendFile(text);
    });
    // whoever waits for it next gets the failure; nobody waiting just now is no reason to end the process
    this.#writing.catch(() => undefined);
  }
}

/** Differs after each start of the computer; elsewhere than on Linux the start's time to ten minutes. */
async function currentBootId(clock: Clock): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch (thrown) {
    if (systemCode(thrown) === undefined) {
      throw thrown;
    }
    return String(Math.round((clock.nowMs() / 1000 - uptime()) / 600));
  }
}

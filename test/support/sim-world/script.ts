import { seededFractions } from '../sim-disk-watcher.ts';

/** A file that is there before the client starts: path, size in bytes, and which of so many contents. */
export type FileSpec = readonly [path: string, sizeBytes: number, content: number];
/** What is done, and with what. Plain data, so that a step can be left out, printed and pasted. */
export type Step = readonly [verb: string, ...args: ReadonlyArray<string | number>];

/** A whole run. The seed decides what chance decides: how long answers take, which hints are lost. */
export interface Script {
  readonly seed: number;
  readonly files: readonly FileSpec[];
  readonly steps: readonly Step[];
}

/** Chance, as the steps are drawn from it. */
export class Draw {
  readonly fraction: () => number;

  constructor(seed: number) {
    this.fraction = seededFractions(Math.imul(seed, 0x85ebca6b) ^ 0x27d4eb2f);
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  folder(): string {
    return this.pick(['first', 'other']);
  }

  /** A path that many steps name: most of them hold a file. */
  path(folder = this.folder()): string {
    return `/data/${folder}/${this.pick(DIRS)}${this.pick(NAMES)}`;
  }

  dir(folder = this.folder()): string {
    return `/data/${folder}/${this.pick(['a', 'a/b', 'c d', 'é', 'moved', 'new/er'])}`;
  }

  /** A path that holds nothing at first. */
  freshPath(folder = this.folder()): string {
    return `/data/${folder}/${this.pick(['', 'a/', 'new/', 'new/er/', 'moved/'])}${this.pick(['n1', 'n2', 'n3', 'n4'])}`;
  }

  size(): number {
    return this.pick([0, 1, 3, 7, 12, 19, 20, 21, 31, 32, 33, 40, 50, 64, 65, 80, 100, 128, 200, 330, 700]);
  }

  content(): number {
    return this.below(24);
  }
}

const NAMES = ['x', 'y', 'z', 'ü', 'n:1', 'A', 'w'] as const;
const DIRS = ['', 'a/', 'a/b/', 'c d/', 'é/', 'a/b/c/'] as const;
const FILES_PER_FOLDER = 18;

/** The files that every run begins with: more than thirty, in two folders. */
export function drawFiles(draw: Draw): FileSpec[] {
  const files = new Map<string, FileSpec>();
  for (const folder of ['first', 'other']) {
    for (let there = 0; there < FILES_PER_FOLDER; ) {
      const path = draw.path(folder);
      if (!files.has(path)) {
        files.set(path, [path, draw.size(), draw.content()]);
        there += 1;
      }
    }
  }
  return [...files.values()];
}

const texts = new Map<number, string>();
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The first `sizeBytes` of one of a few endless texts; equal arguments, equal bytes: a copy. */
export function textFor(sizeBytes: number, content: number): string {
  let text = texts.get(content) ?? '';
  if (text.length < sizeBytes) {
    const fraction = seededFractions(content + 1);
    text = Array.from({ length: 1_000 }, () => LETTERS[Math.floor(fraction() * LETTERS.length)]).join('');
    texts.set(content, text);
  }
  return text.slice(0, sizeBytes);
}

/** A script as source, to be pasted into test/scenarios/regressions. */
export function printScript(script: Script): string {
  const list = (items: readonly unknown[]) =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)},`).join('\n')}\n  ]`;
  return `{\n  seed: ${script.seed},\n  files: ${list(script.files)},\n  steps: ${list(script.steps)},\n}`;
}

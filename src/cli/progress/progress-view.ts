import type { Clock } from '../../base/clock.ts';
import type { StatusSnapshot } from '../../contract/status.ts';
import type { CliEnvironment, OutputStream } from '../environment.ts';
import type { Output } from '../output.ts';
import { progressLines, type TerminalStyle } from './bar-text.ts';

/** Often enough to look alive, seldom enough to cost nothing. */
const DRAW_EVERY_MS = 200;
const WIDTH_UNKNOWN = 80;

export type ProgressMode = 'bar' | 'batch' | 'none';

/** A bar on a terminal, `--batch-progress` lines where asked for, nothing with `--silent`, `--json` or a plain pipe. */
export function progressMode(
  output: Output,
  flags: { batchProgress?: boolean; progress?: boolean },
): ProgressMode {
  if (output.silent || flags.progress === false) {
    return 'none';
  }
  if (flags.batchProgress) {
    return 'batch';
  }
  return output.stderr.isTTY === true && !output.json ? 'bar' : 'none';
}

export function terminalStyle(env: CliEnvironment['env'], stream: OutputStream): TerminalStyle {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return {
    // the last column stays free: writing there makes some terminals begin a new line
    width: Math.max(10, (stream.columns ?? WIDTH_UNKNOWN) - 1),
    hasColor: stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    hasUnicode: /utf-?8/i.test(locale) || env.WT_SESSION !== undefined || env.TERM_PROGRAM !== undefined,
  };
}

/** Draws lines in place on a terminal: each drawing takes the one before away. */
export class LiveLines {
  readonly #stream: OutputStream;
  #drawn = 0;

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    this.#stream.write(`${this.#takeAway()}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  clear(): void {
    this.#stream.write(this.#takeAway());
    this.#drawn = 0;
  }

  #takeAway(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\r\u001b[J`;
  }
}

/** Shows snapshots as they come, in one of the three ways. */
export class ProgressView {
  readonly #mode: ProgressMode;
  readonly #env: CliEnvironment;
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #lines: LiveLines;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastBatchLine = '';

  constructor(mode: ProgressMode, env: CliEnvironment, output: Output) {
    this.#mode = mode;
    this.#env = env;
    this.#output = output;
    this.#clock = env.clock;
    this.#lines = new LiveLines(output.stderr);
    if (mode === 'bar') {
      output.beforeMessage = () => this.#lines.clear();
    }
  }

  show(snapshot: StatusSnapshot, isLast = false): void {
    const now = this.#clock.monotonicMs();
    if (this.#mode === 'none' || this.#output.readerGone || (!isLast && now - this.#lastMs < DRAW_EVERY_MS)) {
      return;
    }
    this.#lastMs = now;
    if (this.#mode === 'bar') {
      this.#lines.draw(progressLines(snapshot, terminalStyle(this.#env.env, this.#output.stderr)));
      return;
    }
    const total = Object.values(snapshot.bar).reduce((sum, part) => sum + part.bytes, 0);
    this.#batchLine(snapshot.bar.saved.bytes + snapshot.bar.stored.bytes, total, 'written');
  }

  /** For what has no snapshot (`get`): bytes done of all, and a line to draw. */
  showBytes(
    done: number,
    total: number,
    verb: 'read' | 'written',
    lines: () => readonly string[],
    isLast = false,
  ): void {
    const now = this.#clock.monotonicMs();
    if (this.#mode === 'none' || this.#output.readerGone || (!isLast && now - this.#lastMs < DRAW_EVERY_MS)) {
      return;
    }
    this.#lastMs = now;
    if (this.#mode === 'bar') {
      this.#lines.draw(lines());
    } else {
      this.#batchLine(done, total, verb);
    }
  }

  close(): void {
    if (this.#mode === 'bar') {
      this.#lines.clear();
      this.#output.beforeMessage = () => undefined;
    }
  }

  /** As arv-put and arv-get write it: `PROGRAM PID: N written N total`. */
  #batchLine(done: number, total: number, verb: string): void {
    const line = `keepsync ${this.#env.pid}: ${done} ${verb} ${total} total\n`;
    if (line !== this.#lastBatchLine) {
      this.#lastBatchLine = line;
      this.#output.stderr.write(line);
    }
  }
}

import { systemCode } from '../base/durable-file.ts';
import type { KeepsyncError } from '../base/errors.ts';
import { redact } from '../base/redact.ts';
import type { OutputStream } from './environment.ts';

/** The message, and the server's request id unless it names that already. */
export function withRequestId(message: string, requestId: string | null | undefined): string {
  return !requestId || message.includes(requestId) ? message : `${message} (${requestId})`;
}

/**
 * What a command says. Results go to stdout, everything else to stderr; with `--json` results are one JSON document and
 * an error is `{"error":{"kind","message","action","requestId"}}` in one line on stderr. A reader that goes away
 * (`| head`) is no error: `onReaderGone` is called once and the rest is dropped.
 */
export class Output {
  readonly json: boolean;
  readonly silent: boolean;
  readonly stderr: OutputStream;
  readonly #stdout: OutputStream;
  readonly #secrets: string[] = [];
  #readerGone = false;
  #beforeMessage: () => void = () => undefined;

  constructor(options: {
    readonly stdout: OutputStream;
    readonly stderr: OutputStream;
    readonly json: boolean;
    readonly silent: boolean;
    readonly onReaderGone: () => void;
  }) {
    this.json = options.json;
    this.silent = options.silent;
    this.stderr = options.stderr;
    this.#stdout = options.stdout;
    const listen = (stream: OutputStream) => {
      // stays for good: the news may come after the command has ended
      stream.on('error', (thrown: unknown) => {
        if (systemCode(thrown) !== 'EPIPE') {
          throw thrown;
        }
        if (!this.#readerGone) {
          this.#readerGone = true;
          options.onReaderGone();
        }
      });
    };
    listen(options.stdout);
    listen(options.stderr);
  }

  get readerGone(): boolean {
    return this.#readerGone;
  }

  /** Never to be shown, in no form. */
  hide(secrets: readonly string[]): void {
    this.#secrets.push(...secrets);
  }

  /** Something that is drawn on the terminal (a progress bar) is taken away before a message is written. */
  set beforeMessage(take: () => void) {
    this.#beforeMessage = take;
  }

  /** A line of the result, for people; nothing with `--json`. */
  line(text: string): void {
    if (!this.json) {
      this.#write(this.#stdout, `${text}\n`);
    }
  }

  /** A result with a secret that a person asked for: `export ARVADOS_API_TOKEN=…`. Nothing of it is redacted. */
  secretResult(value: unknown, lines: readonly string[]): void {
    if (!this.#readerGone) {
      this.#stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
    }
  }

  /** The result, for programs; nothing without `--json`. */
  payload(value: unknown): void {
    if (this.json) {
      this.#write(this.#stdout, `${JSON.stringify(value)}\n`);
    }
  }

  /** One form or the other. */
  result(value: unknown, lines: readonly string[]): void {
    this.payload(value);
    for (const line of lines) {
      this.line(line);
    }
  }

  /** Bytes as they are, for `get … -`; waits for the reader. */
  bytes(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#readerGone) {
        resolve();
        return;
      }
      // a copy: the stream may keep it beyond this call, and shared memory is used again
      this.#stdout.write(Buffer.from(data), () => resolve());
    });
  }

  /** What is going on, for people on stderr; nothing with `--silent` or `--json`. */
  note(text: string): void {
    if (!this.silent && !this.json) {
      this.#message(text);
    }
  }

  /** A note that only looks as if it held a secret: redacting would spoil the command that a person is to copy. */
  plainNote(text: string): void {
    if (!this.silent && !this.json && !this.#readerGone) {
      this.#beforeMessage();
      this.stderr.write(`${text}\n`);
    }
  }

  /** Something is wrong but the command goes on; said also with `--silent`. */
  warn(text: string): void {
    if (this.json) {
      this.#write(this.stderr, `${JSON.stringify({ warning: { message: text } })}\n`);
    } else {
      this.#message(text);
    }
  }

  error(error: KeepsyncError): void {
    if (this.json) {
      const { code, message, action, requestId } = error;
      this.#write(this.stderr, `${JSON.stringify({ error: { kind: code, message, action, requestId } })}\n`);
      return;
    }
    this.#message(`keepsync: ${withRequestId(error.message, error.requestId)}`);
    if (error.action !== undefined) {
      this.#message(`  ${error.action}`);
    }
  }

  #message(text: string): void {
    this.#beforeMessage();
    this.#write(this.stderr, `${text}\n`);
  }

  #write(stream: OutputStream, text: string): void {
    if (!this.#readerGone) {
      stream.write(redact(text, this.#secrets));
    }
  }
}

/** Columns under each other; the last one is not padded. */
export function table(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

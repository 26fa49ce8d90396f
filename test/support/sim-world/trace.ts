import { createHash } from 'node:crypto';

/** Everything that happened in a run, in order. */
export class Trace {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(line);
  }

  call(atMs: number, point: string, args: readonly unknown[]): void {
    this.add(`${atMs} ${point} ${args.map(brief).join(' ')}`);
  }

  /** Two runs with the same digest did the same things, in the same order, at the same times. */
  digest(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex');
  }
}

/** Plain values as they are; of bytes and of what has methods only its kind. */
function brief(value: unknown): string {
  if (value instanceof Uint8Array) {
    return `bytes ${value.length}`;
  }
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function' ? 'function' : String(value);
  }
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner instanceof Uint8Array ? `bytes ${inner.length}` : inner,
  );
}

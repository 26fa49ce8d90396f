import { EMPTY_BLOCK_LOCATOR, parseLocator } from '../keep/locator.ts';
import { escapeName } from './manifest-names.ts';

/** A stretch of one block: part of a file. */
export interface Span {
  readonly locator: string;
  readonly blockBytes: number;
  readonly offset: number;
  readonly length: number;
}

export interface FileNode {
  readonly spans: readonly Span[];
}

/** The files of a line by escaped name; `rest` is all of it behind the stream name. It has passed `takeManifest`. */
export function spansOfLine(rest: string): Map<string, Span[]> {
  const tokens = rest.slice(1).split(' ');
  const locators: string[] = [];
  const starts: number[] = [];
  const sizes: number[] = [];
  let streamBytes = 0;
  let index = 0;
  for (; index < tokens.length; index += 1) {
    const token = tokens[index] ?? '';
    if (token.charCodeAt(32) !== 0x2b || token.slice(0, 32).includes(':')) {
      break;
    }
    const { sizeBytes } = parseLocator(token);
    locators.push(token);
    starts.push(streamBytes);
    sizes.push(sizeBytes);
    streamBytes += sizeBytes;
  }
  const spansByName = new Map<string, Span[]>();
  for (; index < tokens.length; index += 1) {
    const token = tokens[index] ?? '';
    const first = token.indexOf(':');
    const second = token.indexOf(':', first + 1);
    const name = token.slice(second + 1);
    const position = Number(token.slice(0, first));
    const length = Number(token.slice(first + 1, second));
    let spans = spansByName.get(name);
    if (!spans) {
      spans = [];
      spansByName.set(name, spans);
    }
    let block = blockAt(starts, position);
    for (let done = 0; done < length; block += 1) {
      const blockStart = starts[block] ?? 0;
      const blockBytes = sizes[block] ?? 0;
      const offset = position + done - blockStart;
      const part = Math.min(length - done, blockBytes - offset);
      if (part > 0) {
        spans.push({ locator: locators[block] ?? '', blockBytes, offset, length: part });
        done += part;
      }
    }
  }
  return spansByName;
}

function blockAt(starts: readonly number[], position: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= position) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/** The inverse: all of a line behind the stream name, for files in this order. */
export function lineOfFiles(files: ReadonlyMap<string, FileNode>): string {
  const locators: string[] = [];
  const tokens: string[] = [];
  let streamBytes = 0;
  let lastBlockBytes = 0;
  for (const [name, file] of files) {
    const escaped = escapeName(name);
    let position = 0;
    let length = 0;
    let isOpen = false;
    for (const span of file.spans) {
      if (locators.at(-1) !== span.locator) {
        locators.push(span.locator);
        streamBytes += span.blockBytes;
        lastBlockBytes = span.blockBytes;
      }
      const start = streamBytes - lastBlockBytes + span.offset;
      if (isOpen && position + length === start) {
        length += span.length;
        continue;
      }
      if (isOpen) {
        tokens.push(`${position}:${length}:${escaped}`);
      }
      position = start;
      length = span.length;
      isOpen = true;
    }
    tokens.push(`${position}:${length}:${escaped}`);
  }
  return ` ${locators.length === 0 ? EMPTY_BLOCK_LOCATOR : locators.join(' ')} ${tokens.join(' ')}`;
}

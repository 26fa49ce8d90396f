import { parseLocator, stripLocator } from '../keep/locator.ts';
import { badRequest } from './api-error.ts';
import { isJsonObject, type Json } from './json.ts';
import type { FileNode, Span } from './manifest-lines.ts';
import type { Folder } from './manifest-tree.ts';

export interface SegmentReplacement {
  /** `md5+size offset length`, without hints. */
  readonly old: string;
  readonly replacement: Span;
}

/** The `replace_segments` option: `{"loc off len": "newloc off len"}`. Throws ApiError 400. */
export function parseReplaceSegments(option: Json | undefined): readonly SegmentReplacement[] | undefined {
  if (option === undefined || option === null) {
    return undefined;
  }
  if (!isJsonObject(option)) {
    throw badRequest('replace_segments must be an object');
  }
  const replacements = Object.entries(option).map(([from, to]) => {
    const old = parseSegment(from);
    const replacement = parseSegment(typeof to === 'string' ? to : '');
    if (old.length !== replacement.length) {
      throw badRequest(
        `replace_segments: mismatched length: ${JSON.stringify(from)} and ${JSON.stringify(to)}`,
      );
    }
    return { old: segmentKey(old), replacement };
  });
  return replacements.length === 0 ? undefined : replacements;
}

/**
 * Replaces segments in all files. Where one old segment is not there, nothing moves to the new block that it was to move
 * to: half a repacked block is worth nothing. `take` sees each new block and gives what is stored.
 * Whether anything changed.
 */
export function replaceSegments(
  root: Folder,
  replacements: readonly SegmentReplacement[],
  take: (locator: string) => string,
): boolean {
  const present = new Set<string>();
  root.mapFiles((file) => {
    for (const span of file.spans) {
      present.add(segmentKey(span));
    }
    return file;
  });
  const useless = new Set<string>();
  for (const { old, replacement } of replacements) {
    if (!present.has(old)) {
      useless.add(stripLocator(replacement.locator));
    }
  }
  const byOld = new Map<string, Span>();
  for (const { old, replacement } of replacements) {
    if (!useless.has(stripLocator(replacement.locator))) {
      byOld.set(old, { ...replacement, locator: take(replacement.locator) });
    }
  }
  if (byOld.size === 0) {
    return false;
  }
  root.mapFiles((file): FileNode => {
    const isTouched = file.spans.some((span) => byOld.has(segmentKey(span)));
    return isTouched ? { spans: file.spans.map((span) => byOld.get(segmentKey(span)) ?? span) } : file;
  });
  return true;
}

function segmentKey(span: Span): string {
  return `${stripLocator(span.locator)} ${span.offset} ${span.length}`;
}

function parseSegment(text: string): Span {
  const match = /^(\S+) (\d+) (\d+)$/.exec(text);
  const bad = () => badRequest(`replace_segments: invalid segment ${JSON.stringify(text)}`);
  if (!match || !/^[0-9a-f]{32}\+\d+(\+[A-Z][A-Za-z0-9@_-]*)*$/.test(match[1] ?? '')) {
    throw bad();
  }
  const locator = match[1] ?? '';
  const blockBytes = parseLocator(locator).sizeBytes;
  const offset = Number(match[2]);
  const length = Number(match[3]);
  if (length === 0 || offset + length > blockBytes) {
    throw bad();
  }
  return { locator, blockBytes, offset, length };
}

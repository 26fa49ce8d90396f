import { readFile, realpath } from 'node:fs/promises';
import { extname, isAbsolute, join, relative } from 'node:path';
import { systemCode } from '../base/durable-file.ts';

/** Types of what the window's build makes; anything else is not served. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
};

export interface WindowFile {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
}

/**
 * A file of the window by the path of its URL ('/' is the page itself). Undefined where there is none: also for a path
 * that leads out of the folder, by `..`, encoded or not, or by a link.
 */
export async function readWindowFile(rendererDir: string, urlPath: string): Promise<WindowFile | undefined> {
  const path = decodePath(urlPath);
  if (path === undefined) {
    return undefined;
  }
  const mimeType = MIME_TYPES[extname(path).toLowerCase()];
  if (mimeType === undefined) {
    return undefined;
  }
  try {
    const root = await realpath(rendererDir);
    const file = await realpath(join(root, path));
    const below = relative(root, file);
    if (below.startsWith('..') || isAbsolute(below)) {
      return undefined;
    }
    return { bytes: await readFile(file), mimeType };
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(systemCode(thrown) ?? '')) {
      return undefined;
    }
    throw thrown;
  }
}

/** The path below the folder, or undefined where it makes no sense as one. */
function decodePath(urlPath: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(urlPath.split(/[?#]/)[0] ?? '');
  } catch (thrown) {
    if (thrown instanceof URIError) {
      return undefined;
    }
    throw thrown;
  }
  const parts = path.split('/').filter((part) => part !== '');
  const isOdd = parts.some(
    (part) => part === '..' || part === '.' || /[\\:\0]/.test(part) || part.startsWith('.'),
  );
  return isOdd ? undefined : parts.length === 0 ? 'index.html' : parts.join('/');
}

/** Headers of everything that is served to a window, beside its policy and type. */
export const WINDOW_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
};

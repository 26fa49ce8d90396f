import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/durable-file.ts';
import { explainIgnored, IGNORE_FILE_MAX_BYTES, IGNORE_FILE_NAME } from '../local/ignore-rules.ts';

/** The text of a folder's ignore file; undefined where there is none, or one too large to be one. */
async function ignoreFileIn(dir: string): Promise<string | undefined> {
  const path = join(dir, IGNORE_FILE_NAME);
  try {
    return (await stat(path)).size > IGNORE_FILE_MAX_BYTES ? undefined : await readFile(path, 'utf8');
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(systemCode(thrown) ?? '')) {
      return undefined;
    }
    throw thrown;
  }
}

/**
 * The pattern that leaves a path out of its folder; null where it is kept. `path` is the one in the collection, with a
 * slash at its end for a folder that need not exist.
 */
export async function ignoringPattern(
  rootPath: string,
  patterns: readonly string[],
  path: string,
): Promise<string | null> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) {
    return null;
  }
  const texts = new Map<string, string | undefined>();
  for (let depth = 0; depth < parts.length; depth += 1) {
    const dir = parts.slice(0, depth);
    texts.set(dir.join('/'), await ignoreFileIn(join(rootPath, ...dir)));
  }
  const isDir =
    path.endsWith('/') ||
    (await stat(join(rootPath, ...parts)).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  const verdict = explainIgnored(patterns, (dir) => texts.get(dir), parts.join('/'), isDir);
  return verdict.ignored ? (verdict.rule?.pattern ?? '') : null;
}

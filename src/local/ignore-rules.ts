import ignore from 'ignore';
import { KeepsyncError } from '../base/errors.ts';
import { NameHints } from './name-hints.ts';

/** A file of this name, at any level, holds patterns for the folder it lies in. It is uploaded like any other file. */
export const IGNORE_FILE_NAME = '.keepsyncignore';

/** Larger ones are taken for a mistake (bytes). */
export const IGNORE_FILE_MAX_BYTES = 1024 * 1024;

/**
 * Left out unless a later pattern brings them back (`!Thumbs.db`): what programs and file managers leave beside a
 * person's files and nobody would miss in a collection. Kept short on purpose.
 */
export const DEFAULT_PATTERNS: readonly string[] = [
  // swap files of vi
  '.*.sw[nop]',
  // lock files of office programs
  '~$*',
  '.~lock.*#',
  // file managers of macOS and Windows
  '.DS_Store',
  'Thumbs.db',
  'desktop.ini',
  // files of our own that are not finished, as `get` makes them
  '.keepsync-*',
];

/** No path is longer on any system that we run on, so a longer pattern is a mistake (characters). */
const PATTERN_MAX_LENGTH = 4_096;
/** All patterns that count for one folder, those of the folders above it included. */
const PATTERNS_MAX = 5_000;
/**
 * `**` in one pattern. What a match may cost grows with the depth of a path to this power: twice is 50 ms at 2,000 folders
 * (measured), three times would be minutes.
 */
const DOUBLE_STARS_MAX = 2;

export interface IgnoreRule {
  /** 'default', 'settings', or the collection path of the file the pattern stands in. */
  readonly source: string;
  /** From 1. */
  readonly line: number;
  readonly pattern: string;
}

export interface IgnoreVerdict {
  readonly ignored: boolean;
  /** The pattern that decided, when it is ignored. */
  readonly rule?: IgnoreRule;
}

type Matcher = ReturnType<typeof ignore>;

/** Whether to treat `A` and `a` in patterns as one, as the disks of Windows and macOS do. */
const FOLD_CASE = process.platform === 'win32' || process.platform === 'darwin';

/**
 * gitignore semantics over collection paths: the defaults, then the folder's own patterns, then one file after the other
 * on the way down; the last pattern that matches decides, and nothing below an ignored folder comes back.
 */
export class IgnoreRules {
  readonly #all: Matcher;
  readonly #ruleOf: ReadonlyMap<string, IgnoreRule>;
  readonly #ignoreCase: boolean;
  #hints: NameHints | undefined;

  private constructor(all: Matcher, ruleOf: ReadonlyMap<string, IgnoreRule>, ignoreCase: boolean) {
    this.#all = all;
    this.#ruleOf = ruleOf;
    this.#ignoreCase = ignoreCase;
  }

  /** Throws USAGE for a pattern whose matching could take for ever; see `checkPattern`. */
  static of(patterns: readonly string[], ignoreCase = FOLD_CASE): IgnoreRules {
    return new IgnoreRules(ignore({ ignoreCase }), new Map(), ignoreCase)
      .#with('default', '', DEFAULT_PATTERNS)
      .#with('settings', '', patterns);
  }

  /** These rules and those of the ignore file that lies in the folder `dir` ('' is the top). Throws USAGE as `of`. */
  withFile(dir: string, text: string): IgnoreRules {
    const source = dir === '' ? IGNORE_FILE_NAME : `${dir}/${IGNORE_FILE_NAME}`;
    return this.#with(source, dir, text.replace(/^\uFEFF/, '').split('\n'));
  }

  /**
   * False: no pattern leaves out an entry of this name, wherever it lies, unless a folder above it is left out. A tenth of
   * the work of a tester, for the many files that no pattern is about.
   */
  mayIgnore(name: string): boolean {
    this.#hints ??= new NameHints(
      [...this.#ruleOf.values()].map((rule) => rule.pattern),
      this.#ignoreCase,
    );
    return this.#hints.maySuit(name);
  }

  /**
   * A tester for the entries of one folder. It remembers every path it was asked about, so it is to be dropped with the
   * folder.
   */
  tester(): (path: string, isDir: boolean) => IgnoreVerdict {
    const matcher = ignore({ ignoreCase: this.#ignoreCase }).add(this.#all);
    return (path, isDir) => {
      const result = matcher.test(isDir ? `${path}/` : path);
      const rule = result.rule?.mark === undefined ? undefined : this.#ruleOf.get(result.rule.mark);
      return { ignored: result.ignored, ...(rule === undefined ? {} : { rule }) };
    };
  }

  #with(source: string, dir: string, lines: readonly string[]): IgnoreRules {
    const ruleOf = new Map(this.#ruleOf);
    const all = ignore({ ignoreCase: this.#ignoreCase }).add(this.#all);
    for (const [index, raw] of lines.entries()) {
      const line = raw.replace(/\r$/, '');
      if (line === '' || line.startsWith('#')) {
        continue;
      }
      checkPattern(line, source, index + 1);
      if (ruleOf.size >= PATTERNS_MAX) {
        throw tooMuch(`${source} makes it more than ${PATTERNS_MAX} patterns`);
      }
      const mark = `${index + 1}:${source}`;
      ruleOf.set(mark, { source, line: index + 1, pattern: line });
      all.add({ pattern: dir === '' ? line : moveBelow(line, dir), mark });
    }
    return new IgnoreRules(all, ruleOf, this.#ignoreCase);
  }
}

/**
 * Throws USAGE for a pattern that is too long, or holds `**` so often that matching a deep path could take minutes. What it
 * was to keep back is not guessed at: whoever meets the error leaves the folder alone.
 */
export function checkPattern(pattern: string, source: string, line: number): void {
  if (pattern.length > PATTERN_MAX_LENGTH) {
    throw tooMuch(`Pattern ${line} of ${source} is longer than ${PATTERN_MAX_LENGTH} characters`);
  }
  if ((pattern.match(/\*{2,}/g) ?? []).length > DOUBLE_STARS_MAX) {
    throw tooMuch(`Pattern ${line} of ${source} holds "**" more than twice: ${pattern.slice(0, 80)}`);
  }
}

const tooMuch = (message: string) =>
  new KeepsyncError('USAGE', message, { action: 'Make the patterns simpler, or split them.' });

/** A pattern of the folder `dir`, as one of the top that means the same. */
function moveBelow(line: string, dir: string): string {
  if (line.trim() === '' || line.startsWith('#')) {
    return '';
  }
  const negative = line.startsWith('!');
  const body = negative ? line.slice(1) : line;
  const base = dir.replace(/[\\*?[\]]/g, '\\$&');
  // A slash at the start or in the middle ties a pattern to its folder; one at the end only says "a folder".
  const isTied = /\/./.test(body.replace(/ +$/, ''));
  // The escapes that shield a first `#` or `!` lose their meaning away from the start.
  const rest = body.replace(/^\//, '').replace(/^\\(?=[#!])/, '');
  if (rest.trim() === '') {
    return '';
  }
  return `${negative ? '!' : ''}/${base}/${isTied ? '' : '**/'}${rest}`;
}

/**
 * What `keepsync ignore test PATH` shows: whether a collection path is left out, and by which pattern. `readIgnoreFile`
 * gives the text of the ignore file of a folder ('' is the top), undefined where there is none.
 */
export function explainIgnored(
  patterns: readonly string[],
  readIgnoreFile: (dir: string) => string | undefined,
  path: string,
  isDir: boolean,
): IgnoreVerdict {
  const parts = path.split('/');
  let rules = IgnoreRules.of(patterns);
  let dir = '';
  for (const [index, part] of parts.entries()) {
    const text = readIgnoreFile(dir);
    rules = text === undefined ? rules : rules.withFile(dir, text);
    dir = dir === '' ? part : `${dir}/${part}`;
    const verdict = rules.tester()(dir, isDir || index < parts.length - 1);
    if (verdict.ignored) {
      return verdict;
    }
  }
  return { ignored: false };
}

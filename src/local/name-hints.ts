/** Characters that mean something in a pattern, and all that a matcher might treat in a way of its own. */
const SPECIAL = /[^A-Za-z0-9 ._~$#@%&=+,;:()-]/;
const LAST_SPECIAL = /[^A-Za-z0-9 ._~$#@%&=+,;:()-](?=[A-Za-z0-9 ._~$#@%&=+,;:()-]*$)/;
/** ASCII folds as everybody expects. */
const IS_ASCII = /^[\0-\x7f]*$/;

/** How a name must begin and end for a pattern to be about it. */
interface NameHint {
  readonly prefix: string;
  readonly suffix: string;
}

/**
 * Tells names that no gitignore pattern can be about, without matching any: by how the last part of each pattern begins
 * and ends. Errs on the safe side only.
 */
export class NameHints {
  readonly #hints: readonly NameHint[];
  readonly #foldsCase: boolean;
  /** First characters of the prefixes; undefined where a hint has none. */
  readonly #starts: ReadonlySet<number> | undefined;

  constructor(patterns: readonly string[], foldsCase: boolean) {
    const fold = (text: string) => (foldsCase ? text.toLowerCase() : text);
    this.#foldsCase = foldsCase;
    // a negative pattern leaves nothing out
    this.#hints = patterns
      .filter((pattern) => !pattern.startsWith('!'))
      .map((pattern) => hintOf(fold(pattern)));
    this.#starts = this.#hints.some((hint) => hint.prefix === '')
      ? undefined
      : new Set(this.#hints.map((hint) => hint.prefix.charCodeAt(0)));
  }

  maySuit(name: string): boolean {
    if (this.#foldsCase && !IS_ASCII.test(name)) {
      return this.#hints.length > 0;
    }
    const folded = this.#foldsCase ? name.toLowerCase() : name;
    if (this.#starts?.has(folded.charCodeAt(0)) === false) {
      return false;
    }
    return this.#hints.some(({ prefix, suffix }) => folded.startsWith(prefix) && folded.endsWith(suffix));
  }
}

function hintOf(pattern: string): NameHint {
  // blanks at the end count for nothing, unless a backslash stands before them
  const body = pattern.replace(/ +$/, '');
  const path = body.replace(/\/+$/, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  const first = name.search(SPECIAL);
  const isPlain = body === pattern && !pattern.includes('\\');
  return {
    prefix: first < 0 ? name : name.slice(0, first),
    suffix: isPlain ? name.slice(name.search(LAST_SPECIAL) + 1) : '',
  };
}

import { redact } from '../base/redact.ts';

/** Fields whose values name a person's files, folders or the person; what else they may say is left. */
const NAME_FIELDS = new Set([
  ...['path', 'diskPath', 'prefix', 'name', 'collectionName', 'examplePath', 'examplePaths'],
  ...['user', 'caFile', 'email', 'patterns', 'search', 'dataDir', 'file', 'dir', 'root'],
]);

const REMOVED = '<removed>';

/** Takes names and secrets out of what leaves this computer, and counts them. */
export class NameRemover {
  readonly #secrets: readonly string[];
  /** Longest first, so that a name inside another does not spoil it. */
  readonly #names: ReadonlyArray<readonly [name: string, as: string]>;
  removed = 0;

  /** `names` are texts to be found anywhere, with what stands in their place. */
  constructor(secrets: readonly string[], names: ReadonlyArray<readonly [string, string]>) {
    this.#secrets = secrets;
    this.#names = names.filter(([name]) => name.length >= 3).sort(([a], [b]) => b.length - a.length);
  }

  /** Free text: secrets by their shape, names by what they are. */
  text(text: string): string {
    let result = this.#redact(text);
    for (const [name, as] of this.#names) {
      const parts = result.split(name);
      this.removed += parts.length - 1;
      result = parts.join(as);
    }
    return result;
  }

  /** A value that survives JSON; fields that hold names lose their texts. */
  value(value: unknown, isName = false): unknown {
    if (typeof value === 'string') {
      if (isName && value !== '') {
        this.removed += 1;
        return REMOVED;
      }
      return this.text(value);
    }
    if (Array.isArray(value)) {
      return value.map((item) => this.value(item, isName));
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, this.value(inner, NAME_FIELDS.has(key))]),
      );
    }
    return value;
  }

  #redact(text: string): string {
    const result = redact(text, this.#secrets);
    if (result !== text) {
      this.removed += result.split('…').length - text.split('…').length;
    }
    return result;
  }
}

import { parseJsonOrUndefined, readIfThere, writeDurably } from '../base/durable-file.ts';
import { Mutex } from '../base/mutex.ts';
import { type DesktopState, desktopStateSchema } from './window-place.ts';

/** What the desktop remembers that is no setting: where the window was, what was explained. Nothing in it matters. */
export class DesktopMemory {
  readonly #file: string;
  readonly #turn = new Mutex();
  readonly #onError: (thrown: unknown) => void;
  #state: DesktopState;

  private constructor(file: string, state: DesktopState, onError: (thrown: unknown) => void) {
    this.#file = file;
    this.#state = state;
    this.#onError = onError;
  }

  /** A file that cannot be understood counts as none. */
  static async open(file: string, onError: (thrown: unknown) => void): Promise<DesktopMemory> {
    const parsed = desktopStateSchema.safeParse(parseJsonOrUndefined((await readIfThere(file)) ?? ''));
    return new DesktopMemory(file, parsed.success ? parsed.data : desktopStateSchema.parse({}), onError);
  }

  get state(): DesktopState {
    return this.#state;
  }

  remember(change: Partial<DesktopState>): void {
    this.#state = { ...this.#state, ...change };
    this.#turn
      .run(() => writeDurably(this.#file, `${JSON.stringify(this.#state)}\n`))
      .catch((thrown: unknown) => this.#onError(thrown));
  }

  /** Resolves when what was remembered is on disk. */
  close(): Promise<void> {
    return this.#turn.run(async () => undefined);
  }
}

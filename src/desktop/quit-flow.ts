import type { Amount, StatusSnapshot } from '../contract/status.ts';

/** What is on its way and would be saved if one waited: failed files are not waited for. */
function unsavedWork(snapshot: StatusSnapshot): Amount {
  const { waiting, filling, uploading, stored } = snapshot.bar;
  const parts = [waiting, filling, uploading, stored];
  return {
    files: parts.reduce((sum, part) => sum + part.files, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
}

export type QuitChoice = 'finish' | 'later' | 'cancel';

export interface QuitPorts {
  readonly snapshot: () => Promise<StatusSnapshot>;
  /** The question whether to wait; asked only where something is unsaved. */
  readonly ask: (unsaved: Amount) => Promise<QuitChoice>;
  /** Asked when somebody quits again while it finishes; true: now. */
  readonly askStillFinishing: () => Promise<boolean>;
  /** Tells that it finishes. */
  readonly onFinishing: () => void;
  /** Ends everything; with `finish` saves first. Called once. */
  readonly close: (how: { readonly finish: boolean }) => Promise<void>;
  /** The process may end: nothing runs any more, or nobody wants to wait for it. */
  readonly exit: () => void;
  readonly onError: (thrown: unknown) => void;
}

/** Quitting: asks where something is unsaved, flushes, and ends the process exactly once. */
export class QuitFlow {
  readonly #ports: QuitPorts;
  #state: 'running' | 'asking' | 'finishing' | 'closing' = 'running';

  constructor(ports: QuitPorts) {
    this.#ports = ports;
  }

  get isUnderWay(): boolean {
    return this.#state === 'finishing' || this.#state === 'closing';
  }

  /** A person wants to quit. */
  async request(): Promise<void> {
    if (this.#state === 'finishing') {
      if (await this.#ports.askStillFinishing()) {
        this.#ports.exit();
      }
      return;
    }
    if (this.#state !== 'running') {
      return;
    }
    this.#state = 'asking';
    let choice: QuitChoice;
    try {
      const unsaved = unsavedWork(await this.#ports.snapshot());
      choice = unsaved.files > 0 || unsaved.bytes > 0 ? await this.#ports.ask(unsaved) : 'later';
    } catch (thrown) {
      // a question that cannot be asked must not keep anybody from quitting; the journal resumes
      this.#ports.onError(thrown);
      choice = 'later';
    }
    if (choice === 'cancel') {
      this.#state = 'running';
      return;
    }
    await this.now({ finish: choice === 'finish' });
  }

  /** Without asking: the system shuts down, or whoever runs the profile said so. */
  async now(how: { readonly finish: boolean }): Promise<void> {
    if (this.isUnderWay) {
      return;
    }
    this.#state = how.finish ? 'finishing' : 'closing';
    if (how.finish) {
      this.#ports.onFinishing();
    }
    try {
      await this.#ports.close(how);
    } catch (thrown) {
      this.#ports.onError(thrown);
    } finally {
      this.#ports.exit();
    }
  }
}

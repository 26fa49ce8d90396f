import { powerMonitor, powerSaveBlocker } from 'electron';
import type { StatusSnapshot } from '../contract/status.ts';

/** Whether bytes are on their way at this moment: only then the computer is kept awake. */
function bytesMove(snapshot: StatusSnapshot): boolean {
  return snapshot.account.connected && snapshot.throughput.bytesPerSecond > 0;
}

/** Keeps the computer from falling asleep while bytes move, and notices when it has slept. */
export class Power {
  readonly #onResume: () => void;
  readonly #onShutdown: () => void;
  #blocker: number | undefined;

  constructor(options: { readonly onResume: () => void; readonly onShutdown: () => void }) {
    this.#onResume = options.onResume;
    this.#onShutdown = options.onShutdown;
    powerMonitor.on('resume', this.#onResume);
    powerMonitor.on('shutdown', this.#onShutdown);
  }

  show(snapshot: StatusSnapshot): void {
    const isWanted = bytesMove(snapshot);
    if (isWanted && this.#blocker === undefined) {
      this.#blocker = powerSaveBlocker.start('prevent-app-suspension');
    } else if (!isWanted) {
      this.#release();
    }
  }

  close(): void {
    this.#release();
    powerMonitor.off('resume', this.#onResume);
    powerMonitor.off('shutdown', this.#onShutdown);
  }

  #release(): void {
    if (this.#blocker !== undefined) {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = undefined;
    }
  }
}

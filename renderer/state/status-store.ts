import type { StatusSnapshot } from '../../src/contract/status.ts';
import type { Bridge } from '../bridge.ts';

/** The newest snapshot. One per window; components read it through `useStatus`. */
export class StatusStore {
  readonly #bridge: Bridge;
  readonly #watchers = new Set<() => void>();
  #snapshot: StatusSnapshot | null = null;

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  /** Listens until the returned function is called, and fetches a whole snapshot after each reconnect. */
  start(): () => void {
    const stopStatus = this.#bridge.subscribe('status', (snapshot) => this.#take(snapshot));
    const refresh = () => {
      if (this.#bridge.connection.state() === 'open') {
        // a connection that breaks meanwhile opens again and brings us back here
        this.#bridge.run('status.get', {}).then(
          (snapshot) => this.#take(snapshot),
          () => undefined,
        );
      }
      this.#tell();
    };
    const stopConnection = this.#bridge.connection.subscribe(refresh);
    refresh();
    return () => {
      stopStatus();
      stopConnection();
    };
  }

  readonly get = (): StatusSnapshot | null => this.#snapshot;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  #take(snapshot: StatusSnapshot): void {
    this.#snapshot = snapshot;
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      watcher();
    }
  }
}

interface Timed {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: what is due first runs first, and what is due together runs in the order it was asked for. */
export class EventQueue {
  readonly #heap: Timed[] = [];
  #order = 0;
  #now = 0;

  /** Seconds. */
  get now(): number {
    return this.#now;
  }

  at(seconds: number, run: () => void): void {
    this.#heap.push({ at: Math.max(seconds, this.#now), order: this.#order, run });
    this.#order += 1;
    this.#up(this.#heap.length - 1);
  }

  after(seconds: number, run: () => void): void {
    this.at(this.#now + seconds, run);
  }

  /** Runs everything that is due until then. */
  runUntil(seconds: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= seconds; next = this.#heap[0]) {
      const last = this.#heap.pop();
      if (last !== undefined && this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#down(0);
      }
      this.#now = next.at;
      next.run();
    }
    this.#now = seconds;
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) {
      return one !== undefined;
    }
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one !== undefined && other !== undefined) {
      this.#heap[a] = other;
      this.#heap[b] = one;
    }
  }

  #up(index: number): void {
    for (let at = index; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) {
        return;
      }
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(index: number): void {
    for (let at = index; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) {
          least = child;
        }
      }
      if (least === at) {
        return;
      }
      this.#swap(at, least);
      at = least;
    }
  }
}

/** So many at a time, the others wait in a line; a line that is full turns away. */
export class Servers {
  readonly waits: number[] = [];
  turnedAway = 0;
  served = 0;
  busySeconds = 0;
  readonly #queue: EventQueue;
  readonly #atOnce: number;
  readonly #lineMax: number;
  readonly #line: Array<{ readonly since: number; readonly start: () => void }> = [];
  #busy = 0;

  constructor(queue: EventQueue, atOnce: number, lineMax = Number.POSITIVE_INFINITY) {
    this.#queue = queue;
    this.#atOnce = atOnce;
    this.#lineMax = lineMax;
  }

  /** Calls `done` after the service, or `full` at once. */
  serve(seconds: number, done: () => void, full: () => void = () => undefined): void {
    const since = this.#queue.now;
    const start = () => {
      this.#busy += 1;
      this.waits.push(this.#queue.now - since);
      this.#queue.after(seconds, () => {
        this.#busy -= 1;
        this.busySeconds += seconds;
        this.served += 1;
        this.#line.shift()?.start();
        done();
      });
    };
    if (this.#busy < this.#atOnce) {
      start();
    } else if (this.#line.length < this.#lineMax) {
      this.#line.push({ since, start });
    } else {
      this.turnedAway += 1;
      full();
    }
  }
}

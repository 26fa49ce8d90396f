/** The sparkline's five minutes, one sample a second. */
export const SAMPLE_COUNT = 300;
/** The rate that is shown is that of the last ten seconds. */
const RATE_WINDOW_S = 10;
/** No estimate before so many seconds of data. */
const STEADY_AFTER_S = 30;
/** Blocks arrive in bursts of 64 MiB: an average over fewer arrivals is a guess. */
const STEADY_ARRIVALS = 3;
/** After so long without a byte a new run begins, and with it a new wait for steady data. */
const RUN_GAP_S = 120;

export interface ThroughputSample {
  readonly sent: number;
  readonly reused: number;
}

/**
 * Bytes accepted per second, in a ring of 300 one-second samples. Times are those of the caller's clock; one that was set
 * back counts into the second it stopped at.
 */
export class Throughput {
  readonly #sent = new Float64Array(SAMPLE_COUNT);
  readonly #reused = new Float64Array(SAMPLE_COUNT);
  /** The second that is being filled; the ring holds it and those before. */
  #second = 0;
  #filled = 0;
  #runStartSecond = 0;
  #lastArrivalSecond = Number.NEGATIVE_INFINITY;
  #arrivals = 0;
  #sentBytes = 0;
  #reusedBytes = 0;

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get reusedBytes(): number {
    return this.#reusedBytes;
  }

  addSent(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    const slot = this.#second % SAMPLE_COUNT;
    this.#sent[slot] = (this.#sent[slot] ?? 0) + bytes;
    this.#sentBytes += bytes;
    if (this.#second - this.#lastArrivalSecond > RUN_GAP_S) {
      this.#runStartSecond = this.#second;
      this.#arrivals = 0;
    }
    this.#lastArrivalSecond = this.#second;
    this.#arrivals += 1;
  }

  addReused(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    const slot = this.#second % SAMPLE_COUNT;
    this.#reused[slot] = (this.#reused[slot] ?? 0) + bytes;
    this.#reusedBytes += bytes;
  }

  /** Whole seconds before this one, oldest first, at most 300. */
  samples(nowMs: number): ThroughputSample[] {
    this.#advance(nowMs);
    const result: ThroughputSample[] = [];
    for (let back = Math.min(this.#filled, SAMPLE_COUNT) - 1; back >= 1; back -= 1) {
      const slot = (this.#second - back) % SAMPLE_COUNT;
      result.push({ sent: this.#sent[slot] ?? 0, reused: this.#reused[slot] ?? 0 });
    }
    return result;
  }

  /** Mean of the last ten seconds, the present one included. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs);
    return this.#sentInLast(Math.min(RATE_WINDOW_S, Math.max(1, this.#filled)));
  }

  /**
   * Seconds until `bytesLeft` are sent at the mean rate of this run; null until there are 30 s of data with at least
   * three arrivals, when nothing has arrived for far longer than usual, and when nothing is left.
   */
  etaSeconds(bytesLeft: number, nowMs: number): number | null {
    this.#advance(nowMs);
    const ranFor = this.#second - this.#runStartSecond + 1;
    if (bytesLeft <= 0 || this.#arrivals < STEADY_ARRIVALS || ranFor < STEADY_AFTER_S) {
      return null;
    }
    const silentFor = this.#second - this.#lastArrivalSecond;
    const usualGap = (this.#lastArrivalSecond - this.#runStartSecond) / (this.#arrivals - 1);
    if (silentFor > Math.max(STEADY_AFTER_S, usualGap * 3)) {
      return null;
    }
    const rate = this.#sentInLast(Math.min(ranFor, SAMPLE_COUNT - 1));
    return rate > 0 ? Math.ceil(bytesLeft / rate) : null;
  }

  #sentInLast(seconds: number): number {
    let sum = 0;
    for (let back = 0; back < seconds; back += 1) {
      sum += this.#sent[(this.#second - back + SAMPLE_COUNT) % SAMPLE_COUNT] ?? 0;
    }
    return sum / seconds;
  }

  #advance(nowMs: number): void {
    const now = Math.floor(nowMs / 1000);
    if (this.#filled === 0) {
      this.#second = now;
      this.#filled = 1;
      return;
    }
    if (now <= this.#second) {
      return;
    }
    const steps = now - this.#second;
    if (steps >= SAMPLE_COUNT) {
      this.#sent.fill(0);
      this.#reused.fill(0);
    } else {
      for (let step = 1; step <= steps; step += 1) {
        const slot = (this.#second + step) % SAMPLE_COUNT;
        this.#sent[slot] = 0;
        this.#reused[slot] = 0;
      }
    }
    this.#second = now;
    this.#filled = Math.min(SAMPLE_COUNT, this.#filled + steps);
  }
}

import { createHash } from 'node:crypto';
import { DEFAULT_RETRY_POLICY, retryDelayMs } from '../../../src/api/retry.ts';
import type { Random } from '../../../src/base/random.ts';
import { defaultSettings } from '../../../src/contract/settings.ts';
import { estimateManifestBytes, nextSaveAtMs, restAfterSave } from '../../../src/sync/save-schedule.ts';
import { EventQueue, Servers } from './event-queue.ts';

const MIB = 2 ** 20;
const BLOCK_BYTES = 2 ** 26;
const TTL_MS = 14 * 24 * 3_600_000;

/** A cluster's limits. Those of time are assumptions, to be replaced by what an administrator measures. */
export interface ClusterLimits {
  /** Requests that the API works on at once, and that wait; more are answered with 503. */
  readonly apiAtOnce: number;
  readonly apiLine: number;
  /** Seconds of one API request, and more for each MiB of manifest that the server has to take in hand for a save. */
  readonly apiSeconds: number;
  readonly apiSecondsPerMib: number;
  readonly keepServers: number;
  readonly keepBytesPerSecond: number;
  readonly clientBytesPerSecond: number;
  readonly copies: number;
}

export interface Workload {
  readonly clients: number;
  /** All of them begin within so many seconds. */
  readonly beginWithinSeconds: number;
  readonly fileBytes: number;
  /** Files that are there at the beginning, and then one every so many seconds; Infinity: none. */
  readonly filesAtFirst: number;
  readonly secondsPerFile: number;
  /** Files that the collection has already. */
  readonly filesSaved: number;
  readonly seconds: number;
}

/** What one client asks for, as it was counted. */
export interface RequestCosts {
  readonly apiPerStart: number;
  readonly apiPerSave: number;
}

export interface FleetResult {
  readonly apiPerSecond: number;
  readonly apiBusyPercent: number;
  readonly apiWaitP99: number;
  readonly turnedAway: number;
  readonly keepMibPerSecond: number;
  readonly keepBusyPercent: number;
  readonly saves: number;
  /** From a file's last byte on the disk to saved, in seconds. */
  readonly unsavedP50: number;
  readonly unsavedP99: number;
  readonly startP99: number;
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The same numbers in every run, well spread. */
class Dice implements Random {
  #count = 0;

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.fraction() * 256));
  }

  fraction(): number {
    this.#count += 1;
    return createHash('md5').update(`dice ${this.#count}`).digest().readUInt32LE() / 2 ** 32;
  }
}

interface World {
  readonly queue: EventQueue;
  readonly api: Servers;
  readonly keep: readonly Servers[];
  readonly dice: Dice;
  readonly limits: ClusterLimits;
  readonly load: Workload;
  readonly costs: RequestCosts;
  readonly unsaved: number[];
  readonly starts: number[];
}

/** One computer: two blocks under way, one save at a time, by the product's own schedule. */
class Client {
  readonly #world: World;
  readonly #link: Servers;
  /** Blocks to be sent, by the file that ends with it, if one does. */
  readonly #toSend: Array<{ readonly bytes: number; readonly fileAt: number | undefined }> = [];
  #sending = 0;
  #stored: number[] = [];
  #oldestStoredMs: number | null = null;
  #files: number;
  #blocks = 0;
  #isSaving = false;
  #lastSaveAtMs: number | null = null;
  #restUntilMs = 0;
  #idleSinceMs: number | null = 0;
  #planned = 0;

  constructor(world: World) {
    this.#world = world;
    this.#link = new Servers(world.queue, 1);
    this.#files = world.load.filesSaved;
  }

  start(): void {
    const { queue, load, costs } = this.#world;
    const startedAt = queue.now;
    this.#ask(costs.apiPerStart, 0, () => {
      this.#world.starts.push(queue.now - startedAt);
      for (let index = 0; index < load.filesAtFirst; index += 1) {
        this.#newFile();
      }
      this.#nextFile();
    });
  }

  #nextFile(): void {
    const { queue, load } = this.#world;
    if (Number.isFinite(load.secondsPerFile)) {
      queue.after(load.secondsPerFile, () => {
        // it is whole now; the calm period is not the cluster's doing and not counted
        this.#newFile();
        this.#nextFile();
      });
    }
  }

  #newFile(): void {
    const { queue, load } = this.#world;
    for (let left = load.fileBytes; left > 0; left -= BLOCK_BYTES) {
      const isLast = left <= BLOCK_BYTES;
      this.#toSend.push({ bytes: Math.min(left, BLOCK_BYTES), fileAt: isLast ? queue.now : undefined });
    }
    this.#idleSinceMs = null;
    this.#send();
  }

  #send(): void {
    const { limits, keep, dice, queue } = this.#world;
    while (this.#sending < defaultSettings.uploads.threads) {
      const block = this.#toSend.shift();
      if (block === undefined) {
        return;
      }
      this.#sending += 1;
      const first = Math.floor(dice.fraction() * keep.length);
      let copies = limits.copies;
      for (let copy = 0; copy < limits.copies; copy += 1) {
        const server = keep[(first + copy) % keep.length];
        this.#link.serve(block.bytes / limits.clientBytesPerSecond, () =>
          server?.serve(block.bytes / limits.keepBytesPerSecond, () => {
            copies -= 1;
            if (copies === 0) {
              this.#blocks += 1;
              this.#sending -= 1;
              if (block.fileAt !== undefined) {
                this.#stored.push(block.fileAt);
                this.#oldestStoredMs ??= queue.now * 1000;
              }
              this.#send();
              if (this.#sending === 0 && this.#toSend.length === 0) {
                this.#idleSinceMs = queue.now * 1000;
              }
              this.#planSave();
            }
          }),
        );
      }
    }
  }

  #planSave(): void {
    const { queue } = this.#world;
    const dueMs = nextSaveAtMs({
      nowMs: queue.now * 1000,
      unsaved: this.#stored.length,
      oldestStoredAtMs: this.#oldestStoredMs,
      lastSaveAtMs: this.#lastSaveAtMs,
      restUntilMs: this.#restUntilMs,
      idleSinceMs: this.#idleSinceMs,
      manifestBytes: estimateManifestBytes(this.#files, this.#blocks),
      signatureTtlMs: TTL_MS,
      everyMinMs: defaultSettings.sync.saveEveryMinMs,
      everyMaxMs: defaultSettings.sync.saveEveryMaxMs,
    });
    if (dueMs === null || this.#isSaving) {
      return;
    }
    this.#planned += 1;
    const plan = this.#planned;
    queue.at(dueMs / 1000, () => {
      if (plan === this.#planned && !this.#isSaving) {
        this.#save();
      }
    });
  }

  #save(): void {
    const { queue, costs, limits } = this.#world;
    const startedAt = queue.now;
    const saved = this.#stored;
    this.#stored = [];
    this.#oldestStoredMs = null;
    this.#isSaving = true;
    const manifestMib = estimateManifestBytes(this.#files, this.#blocks) / MIB;
    this.#ask(costs.apiPerSave, manifestMib * limits.apiSecondsPerMib, () => {
      this.#isSaving = false;
      this.#files += saved.length;
      this.#lastSaveAtMs = queue.now * 1000;
      const tookMs = (queue.now - startedAt) * 1000;
      this.#restUntilMs = restAfterSave(this.#restUntilMs, queue.now * 1000, tookMs);
      for (const at of saved) {
        this.#world.unsaved.push(queue.now - at);
      }
      this.#planSave();
    });
  }

  /** So many API requests one after the other, the last of them longer. A 503 is asked again later, each time later. */
  #ask(count: number, lastSeconds: number, done: () => void, attempt = 1): void {
    const { api, limits, queue, dice } = this.#world;
    if (count === 0) {
      done();
      return;
    }
    api.serve(
      limits.apiSeconds + (count === 1 ? lastSeconds : 0),
      () => this.#ask(count - 1, lastSeconds, done),
      () =>
        queue.after(retryDelayMs(DEFAULT_RETRY_POLICY, attempt, dice) / 1000, () =>
          this.#ask(count, lastSeconds, done, attempt + 1),
        ),
    );
  }
}

/** Lets a fleet of clients work against one cluster, in simulated time. */
export function simulateFleet(limits: ClusterLimits, load: Workload, costs: RequestCosts): FleetResult {
  const queue = new EventQueue();
  const world: World = {
    queue,
    api: new Servers(queue, limits.apiAtOnce, limits.apiLine),
    keep: Array.from({ length: limits.keepServers }, () => new Servers(queue, 1)),
    dice: new Dice(),
    limits,
    load,
    costs,
    unsaved: [],
    starts: [],
  };
  for (let index = 0; index < load.clients; index += 1) {
    queue.at(world.dice.fraction() * load.beginWithinSeconds, () => new Client(world).start());
  }
  queue.runUntil(load.seconds);
  const { api, keep, unsaved, starts } = world;
  const keepBusy = keep.reduce((sum, server) => sum + server.busySeconds, 0);
  return {
    apiPerSecond: api.served / load.seconds,
    apiBusyPercent: (100 * api.busySeconds) / (limits.apiAtOnce * load.seconds),
    apiWaitP99: percentile(api.waits, 0.99),
    turnedAway: api.turnedAway,
    keepMibPerSecond: (keepBusy * limits.keepBytesPerSecond) / MIB / load.seconds,
    keepBusyPercent: (100 * keepBusy) / (limits.keepServers * load.seconds),
    saves: (api.served - starts.length * costs.apiPerStart) / costs.apiPerSave,
    unsavedP50: percentile(unsaved, 0.5),
    unsavedP99: percentile(unsaved, 0.99),
    startP99: percentile(starts, 0.99),
  };
}

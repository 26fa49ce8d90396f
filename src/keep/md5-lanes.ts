import { GROUP_SIZES, md5Module } from './md5-module.ts';

/** The md5 of bytes that come one after the other. */
export interface Md5Stream {
  /** Takes a copy. */
  update(bytes: Uint8Array): void;
  /** Lower-case hex, of all bytes so far; the stream has ended then. */
  digest(): string;
  /** Ends a stream whose digest nobody wants; after the end it does nothing. */
  close(): void;
}

/**
 * Bytes of a stream that may wait for those of others: a socket that has much brings 2 MiB at a time before the next one
 * has its turn. In a download of large files four fifths of the bytes found company with 4 MiB, and two fifths with 2 MiB.
 * Memory that is never written to costs nothing.
 */
const LANE_BYTES = 4_194_304;
/** An end needs up to 72 bytes more; the rest keeps lanes from beginning at the same place of the cache. */
const LANE_STRIDE_BYTES = LANE_BYTES + 4_096 + 128;
/** Once every stream has so many, they are taken in: they are in a core's own cache still. */
const TOGETHER_BYTES = 65_536;
/** Streams at the same time: two groups of four. */
const LANES = 8;
const BLOCK_BYTES = 64;
const STATE_BYTES = 16;
/** A state that nobody reads, for a group that lacks a message. */
const SPARE_STATE = LANES * STATE_BYTES;
const LANES_AT = 1024;
const PAGE_BYTES = 65_536;
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

type Advance = (...parameters: readonly number[]) => void;

/** What of the language's WebAssembly is used here: the types at hand leave it out. */
declare const WebAssembly: {
  validate(module: Uint8Array<ArrayBuffer>): boolean;
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (module: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { env: { memory: object } },
  ) => { readonly exports: Readonly<Record<string, Advance>> };
};

interface Lane {
  readonly stateAt: number;
  readonly bytesAt: number;
  /** Gathered bytes; those before `takenBytes` were taken in. */
  filledBytes: number;
  takenBytes: number;
  totalBytes: number;
}

/**
 * Takes the md5 of several streams at a time, which costs less than one after the other: see md5-module. A stream's bytes
 * are gathered until one of the lanes is full; then all lanes go on together. Belongs to one thread.
 */
export class Md5Lanes {
  readonly #bytes: Uint8Array;
  readonly #words: DataView;
  readonly #advance: ReadonlyMap<number, Advance>;
  readonly #free: Lane[] = [];
  readonly #busy = new Set<Lane>();

  /** Undefined where this computer cannot: it has no vectors, or no memory for it. */
  static create(): Md5Lanes | undefined {
    const module = md5Module();
    if (!WebAssembly.validate(module)) {
      return undefined;
    }
    try {
      return new Md5Lanes(module);
    } catch (thrown) {
      if (thrown instanceof RangeError) {
        return undefined;
      }
      throw thrown;
    }
  }

  private constructor(module: Uint8Array<ArrayBuffer>) {
    const pages = Math.ceil((LANES_AT + LANES * LANE_STRIDE_BYTES) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } });
    this.#advance = new Map(
      GROUP_SIZES.flatMap((size) => {
        const advance = exports[`advance${size}`];
        return advance === undefined ? [] : [[size, advance]];
      }),
    );
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new DataView(memory.buffer);
    for (let index = LANES - 1; index >= 0; index -= 1) {
      this.#free.push({
        stateAt: index * STATE_BYTES,
        bytesAt: LANES_AT + index * LANE_STRIDE_BYTES,
        filledBytes: 0,
        takenBytes: 0,
        totalBytes: 0,
      });
    }
  }

  /** Streams that have not ended. */
  get busy(): number {
    return this.#busy.size;
  }

  /** A new stream, or undefined while all lanes are busy. */
  open(): Md5Stream | undefined {
    const lane = this.#free.pop();
    if (lane === undefined) {
      return undefined;
    }
    this.#busy.add(lane);
    lane.filledBytes = 0;
    lane.takenBytes = 0;
    lane.totalBytes = 0;
    START.forEach((word, place) => {
      this.#words.setUint32(lane.stateAt + 4 * place, word, true);
    });
    return {
      update: (bytes) => this.#update(lane, bytes),
      digest: () => this.#digest(lane),
      close: () => this.#close(lane),
    };
  }

  #close(lane: Lane): void {
    if (this.#busy.delete(lane)) {
      this.#free.push(lane);
    }
  }

  #update(lane: Lane, bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; ) {
      if (lane.filledBytes === LANE_BYTES) {
        this.#makeRoom(lane);
      }
      const partBytes = Math.min(TOGETHER_BYTES, LANE_BYTES - lane.filledBytes, bytes.length - offset);
      this.#bytes.set(bytes.subarray(offset, offset + partBytes), lane.bytesAt + lane.filledBytes);
      lane.filledBytes += partBytes;
      offset += partBytes;
      this.#takeIn();
    }
    lane.totalBytes += bytes.length;
  }

  /** Takes in what all lanes have, once each has so much that it is worth it. */
  #takeIn(): void {
    const lanes = [...this.#busy];
    const together = Math.min(...lanes.map((lane) => lane.filledBytes - lane.takenBytes));
    if (together >= TOGETHER_BYTES) {
      const blocks = Math.floor(together / BLOCK_BYTES);
      for (let first = 0; first < lanes.length; first += 4) {
        this.#run(lanes.slice(first, first + 4), blocks);
      }
      for (const lane of lanes) {
        // To the lane's beginning again, where a core's cache has it still: what goes on evenly needs little memory.
        if (lane.filledBytes - lane.takenBytes < BLOCK_BYTES) {
          this.#moveUp(lane);
        }
      }
    }
  }

  /** Takes in all whole blocks of one lane, together with what others have of theirs. */
  #drain(lane: Lane): void {
    for (;;) {
      const missing = Math.floor((lane.filledBytes - lane.takenBytes) / BLOCK_BYTES);
      if (missing === 0) {
        return;
      }
      const others = [...this.#busy].filter(
        (other) => other !== lane && other.filledBytes - other.takenBytes >= BLOCK_BYTES,
      );
      const group = [lane, ...others.slice(0, 3)];
      const blocks = Math.min(
        ...group.map((each) => Math.floor((each.filledBytes - each.takenBytes) / BLOCK_BYTES)),
      );
      this.#run(group, blocks);
    }
  }

  #makeRoom(lane: Lane): void {
    if (lane.takenBytes < LANE_BYTES / 2) {
      this.#drain(lane);
    }
    this.#moveUp(lane);
  }

  #moveUp(lane: Lane): void {
    this.#bytes.copyWithin(lane.bytesAt, lane.bytesAt + lane.takenBytes, lane.bytesAt + lane.filledBytes);
    lane.filledBytes -= lane.takenBytes;
    lane.takenBytes = 0;
  }

  #run(lanes: readonly Lane[], blocks: number): void {
    const states = lanes.map(({ stateAt }) => stateAt);
    const places = lanes.map(({ bytesAt, takenBytes }) => bytesAt + takenBytes);
    if (lanes.length === 3) {
      states.push(SPARE_STATE);
      places.push(places[0] ?? 0);
    }
    this.#advance.get(states.length)?.(...states, ...places, blocks);
    for (const lane of lanes) {
      lane.takenBytes += blocks * BLOCK_BYTES;
    }
  }

  /** What the lane gathered goes in, then the end that the RFC adds: a bit, zeros, the length in bits. */
  #digest(lane: Lane): string {
    this.#drain(lane);
    const restBytes = lane.filledBytes - lane.takenBytes;
    const endBytes = (restBytes < BLOCK_BYTES - 8 ? 1 : 2) * BLOCK_BYTES;
    const { stateAt, totalBytes } = lane;
    const endAt = lane.bytesAt + lane.takenBytes;
    this.#bytes.fill(0, endAt + restBytes, endAt + endBytes);
    this.#bytes[endAt + restBytes] = 0x80;
    this.#words.setBigUint64(endAt + endBytes - 8, BigInt(totalBytes) * 8n, true);
    this.#advance.get(1)?.(stateAt, endAt, endBytes / BLOCK_BYTES);
    this.#close(lane);
    return Buffer.from(this.#bytes.subarray(stateAt, stateAt + STATE_BYTES)).toString('hex');
  }
}

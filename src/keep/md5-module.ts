/**
 * Md5 (RFC 1321) as a WebAssembly module that takes one, two or four messages at a time.
 *
 * A single md5 cannot use a processor well: each of its steps waits for the one before. Several side by side can. Measured
 * on one core, in GB/s: OpenSSL 0.8; one message here 0.8, two interleaved 1.5, four in the lanes of a vector 2.1.
 *
 * The module imports its memory as `env.memory` and exports `advance1`, `advance2` and `advance4`. For N messages the
 * parameters are N addresses of states (four little-endian words A, B, C, D), then N addresses of bytes, then how many
 * blocks of 64 bytes to take in of each, at least 1. States are updated in place. All addresses are multiples of four.
 */

/** Of the functions below, by how many messages they take. */
export const GROUP_SIZES = [1, 2, 4] as const;

/** Floor(2^32 × |sin(i + 1)|), from the RFC. */
const SINES = Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
/** How far each of a round's steps rotates, repeating. */
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;
/** Which word of the block a step takes in, by round: factor and offset, modulo 16. */
const WORD_ORDER = [
  [1, 0],
  [5, 1],
  [3, 5],
  [7, 0],
] as const;
const STEPS = 64;
const BLOCK_BYTES = 64;

type Code = readonly number[];
type Local = number;

/** How words are held and computed with: one message's as i32, or those of four messages as the lanes of a v128. */
interface Words {
  readonly type: number;
  readonly add: Code;
  readonly and: Code;
  readonly or: Code;
  readonly xor: Code;
  /** All bits of the word on the stack turned over. */
  readonly not: Code;
  constant(value: number): Code;
  /** Rotates the word on the stack to the left; `spare` may be written to. */
  rotate(bits: number, spare: Local): Code;
}

// Numbers of the specification: types, instructions, sections.
const I32 = 0x7f;
const V128 = 0x7b;
const LOOP = 0x03;
const NO_RESULT = 0x40;
const END = 0x0b;
const BRANCH_IF = 0x0d;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;

function unsigned(value: number): number[] {
  if (value < 0x80) {
    return [value];
  }
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    if (rest === 0) {
      return [...bytes, low];
    }
    bytes.push(low | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    if (rest === (low & 0x40 ? -1 : 0)) {
      return [...bytes, low];
    }
    bytes.push(low | 0x80);
  }
}

const get = (local: Local): Code => [0x20, ...unsigned(local)];
const set = (local: Local): Code => [0x21, ...unsigned(local)];
const tee = (local: Local): Code => [0x22, ...unsigned(local)];
const i32 = (value: number): Code => [0x41, ...signed(value | 0)];
const simd = (instruction: number): Code => [0xfd, ...unsigned(instruction)];
const loadI32 = (offset: number): Code => [0x28, 2, ...unsigned(offset)];
const storeI32 = (offset: number): Code => [0x36, 2, ...unsigned(offset)];
const loadV128 = (offset: number): Code => [...simd(0), 2, ...unsigned(offset)];
const storeV128 = (offset: number): Code => [...simd(11), 2, ...unsigned(offset)];
/** Sixteen bytes out of the thirty-two of two vectors. */
const shuffle = (bytes: Code): Code => [...simd(13), ...bytes];

const scalarWords: Words = {
  type: I32,
  add: [I32_ADD],
  and: [0x71],
  or: [0x72],
  xor: [0x73],
  not: [...i32(-1), 0x73],
  constant: i32,
  rotate: (bits) => [...i32(bits), 0x77],
};

/** The halves of each lane's word exchanged. */
const SWAP_HALVES = shuffle([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]);

const vectorWords: Words = {
  type: V128,
  add: simd(174),
  and: simd(78),
  or: simd(80),
  xor: simd(81),
  not: simd(77),
  constant: (value) => {
    const bytes = [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
    return [...simd(12), ...bytes, ...bytes, ...bytes, ...bytes];
  },
  rotate: (bits, spare) =>
    bits === 16
      ? [...tee(spare), ...get(spare), ...SWAP_HALVES]
      : [
          ...tee(spare),
          ...i32(bits),
          ...simd(171),
          ...get(spare),
          ...i32(32 - bits),
          ...simd(173),
          ...simd(80),
        ],
};

/** A function's code while it is written, with the local variables that it needs. */
class FunctionCode {
  readonly #parameters: number;
  readonly #type: number;
  readonly #code: number[] = [];
  #locals = 0;

  /** All parameters are i32, all further locals of `type`. */
  constructor(parameters: number, type: number) {
    this.#parameters = parameters;
    this.#type = type;
  }

  locals(count: number): Local[] {
    const first = this.#parameters + this.#locals;
    this.#locals += count;
    return Array.from({ length: count }, (_, place) => first + place);
  }

  write(...parts: readonly Code[]): void {
    for (const part of parts) {
      this.#code.push(...part);
    }
  }

  body(): Code {
    const body = [1, ...unsigned(this.#locals), this.#type, ...this.#code, END];
    return [...unsigned(body.length), ...body];
  }
}

type State = readonly [Local, Local, Local, Local];

/** One step of one message: the rotated sum takes the place of A, and the four change their roles. */
function writeStep(code: FunctionCode, words: Words, step: number, state: State, word: Code, spare: Local) {
  const [a, b, c, d] = state;
  const { add, and, or, xor, not } = words;
  const round = step >> 4;
  code.write(get(a), words.constant(SINES[step] ?? 0), add, word, add);
  if (round === 0) {
    code.write(get(d), get(b), get(c), get(d), xor, and, xor, add);
  } else if (round === 1) {
    // (B and D) or (C and not D): no bit is in both, so they may be added one by one, which shortens what waits for B.
    code.write(get(c), get(d), not, and, add, get(b), get(d), and, add);
  } else if (round === 2) {
    code.write(get(b), get(c), get(d), xor, xor, add);
  } else {
    code.write(get(c), get(b), get(d), not, or, xor, add);
  }
  code.write(words.rotate(ROTATIONS[round]?.[step & 3] ?? 0, spare), get(b), add, set(a));
}

/** What one function has of one message, or of four in vectors. */
interface Track {
  readonly state: State;
  readonly before: State;
  /** Puts the block's word on the stack. */
  word(index: number): Code;
}

function four(locals: readonly Local[]): State {
  const [a = 0, b = 0, c = 0, d = 0] = locals;
  return [a, b, c, d];
}

function writeRounds(code: FunctionCode, words: Words, tracks: readonly Track[], spare: Local): void {
  for (const { state, before } of tracks) {
    state.forEach((local, place) => {
      code.write(get(local), set(before[place] ?? 0));
    });
  }
  for (let step = 0; step < STEPS; step += 1) {
    const [factor, offset] = WORD_ORDER[step >> 4] ?? [1, 0];
    for (const { state, word } of tracks) {
      const turned = four([0, 1, 2, 3].map((place) => state[(place + 64 - step) % 4] ?? 0));
      writeStep(code, words, step, turned, word((factor * step + offset) % 16), spare);
    }
  }
  for (const { state, before } of tracks) {
    state.forEach((local, place) => {
      code.write(get(local), get(before[place] ?? 0), words.add, set(local));
    });
  }
}

/** From the loop's body: each message's address goes on by a block, and the loop again while blocks are left. */
function writeLoopEnd(code: FunctionCode, addresses: readonly Local[], blocks: Local): void {
  for (const address of addresses) {
    code.write(get(address), i32(BLOCK_BYTES), [I32_ADD], set(address));
  }
  code.write(get(blocks), i32(1), [I32_SUB], tee(blocks), [BRANCH_IF, 0, END]);
}

/** `advance1` and `advance2`: messages side by side in the processor's ordinary registers. */
function interleaved(messages: 1 | 2): Code {
  const code = new FunctionCode(2 * messages + 1, scalarWords.type);
  const stateAddress = (message: number) => message;
  const address = (message: number) => messages + message;
  const tracks: Track[] = [];
  for (let message = 0; message < messages; message += 1) {
    tracks.push({
      state: four(code.locals(4)),
      before: four(code.locals(4)),
      word: (index) => [...get(address(message)), ...loadI32(4 * index)],
    });
  }
  const [spare = 0] = code.locals(1);
  tracks.forEach(({ state }, message) => {
    state.forEach((local, place) => {
      code.write(get(stateAddress(message)), loadI32(4 * place), set(local));
    });
  });
  code.write([LOOP, NO_RESULT]);
  writeRounds(code, scalarWords, tracks, spare);
  writeLoopEnd(
    code,
    tracks.map((_, message) => address(message)),
    2 * messages,
  );
  tracks.forEach(({ state }, message) => {
    state.forEach((local, place) => {
      code.write(get(stateAddress(message)), get(local), storeI32(4 * place));
    });
  });
  return code.body();
}

/** The first, or the last, two words of each of two vectors, alternating. */
const LOW_WORDS = shuffle([0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23]);
const HIGH_WORDS = shuffle([8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31]);
/** The first, or the last, halves of two vectors. */
const LOW_HALVES = shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
const HIGH_HALVES = shuffle([8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31]);

/** Rows to columns: four vectors of one message's words each become four of one word of each message, and back. */
function writeTranspose(code: FunctionCode, [a, b, c, d]: State, [ab, abHigh, cd, cdHigh]: State): void {
  code.write(get(a), get(b), LOW_WORDS, set(ab), get(a), get(b), HIGH_WORDS, set(abHigh));
  code.write(get(c), get(d), LOW_WORDS, set(cd), get(c), get(d), HIGH_WORDS, set(cdHigh));
  code.write(get(ab), get(cd), LOW_HALVES, set(a), get(ab), get(cd), HIGH_HALVES, set(b));
  code.write(get(abHigh), get(cdHigh), LOW_HALVES, set(c), get(abHigh), get(cdHigh), HIGH_HALVES, set(d));
}

/** `advance4`: four messages, each in one lane of every vector. */
function vectored(): Code {
  const messages = [0, 1, 2, 3] as const;
  const code = new FunctionCode(9, vectorWords.type);
  const address = (message: number) => 4 + message;
  const state = four(code.locals(4));
  const before = four(code.locals(4));
  const block = messages.map(() => four(code.locals(4)));
  const helpers = four(code.locals(4));
  for (const message of messages) {
    code.write(get(message), loadV128(0), set(state[message]));
  }
  writeTranspose(code, state, helpers);
  code.write([LOOP, NO_RESULT]);
  block.forEach((quarter, place) => {
    for (const message of messages) {
      code.write(get(address(message)), loadV128(16 * place), set(quarter[message]));
    }
    writeTranspose(code, quarter, helpers);
  });
  const all = block.flat();
  const track = { state, before, word: (index: number) => get(all[index] ?? 0) };
  writeRounds(code, vectorWords, [track], helpers[0]);
  writeLoopEnd(code, messages.map(address), 8);
  writeTranspose(code, state, helpers);
  for (const message of messages) {
    code.write(get(message), get(state[message]), storeV128(0));
  }
  return code.body();
}

function named(text: string): Code {
  return [text.length, ...Buffer.from(text, 'latin1')];
}

function section(id: number, entries: readonly Code[]): Code {
  const content = [...unsigned(entries.length), ...entries.flat()];
  return [id, ...unsigned(content.length), ...content];
}

/** The module's bytes. Vectors need an engine that knows them: `WebAssembly.validate` tells. */
export function md5Module(): Uint8Array<ArrayBuffer> {
  const bodies = [interleaved(1), interleaved(2), vectored()];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      GROUP_SIZES.map((size) => [0x60, ...unsigned(2 * size + 1), ...Array(2 * size + 1).fill(I32), 0]),
    ),
    ...section(2, [[...named('env'), ...named('memory'), 0x02, 0x00, 0x01]]),
    ...section(
      3,
      GROUP_SIZES.map((_, index) => [index]),
    ),
    ...section(
      7,
      GROUP_SIZES.map((size, index) => [...named(`advance${size}`), 0x00, index]),
    ),
    ...section(10, bodies),
  ]);
}

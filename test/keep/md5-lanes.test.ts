import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { blockMd5, Md5Streams } from '../../src/keep/md5.ts';
import { Md5Lanes, type Md5Stream } from '../../src/keep/md5-lanes.ts';
import { runs, SEED } from '../support/seed.ts';

const LANES = 8;
/** More than a lane gathers. */
const LARGE_BYTES = 9_437_184 + 77;
const noise = randomBytes(LARGE_BYTES);

const md5Of = (data: Uint8Array) => createHash('md5').update(data).digest('hex');

function lanes(): Md5Lanes {
  const made = Md5Lanes.create();
  if (!made) {
    throw new Error('This engine has no vectors');
  }
  return made;
}

function open(of: Md5Lanes): Md5Stream {
  const stream = of.open();
  if (!stream) {
    throw new Error('No lane is free');
  }
  return stream;
}

describe('Md5s side by side', () => {
  it.each([0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 121, 127, 128, 129, 65_535, 65_536, 65_537])(
    'are right for %i bytes, alone and in company',
    (sizeBytes) => {
      const made = lanes();
      const data = noise.subarray(0, sizeBytes);
      for (let company = 0; company < LANES; company += 1) {
        const streams = Array.from({ length: company + 1 }, () => open(made));
        for (const stream of streams) {
          stream.update(data);
        }
        expect(streams.map((stream) => stream.digest())).toEqual(streams.map(() => md5Of(data)));
      }
    },
  );

  it('are right however the bytes of several streams come in', () => {
    type Step =
      | { readonly kind: 'open' }
      | { readonly kind: 'update'; readonly which: number; readonly from: number; readonly sizeBytes: number }
      | { readonly kind: 'digest' | 'close'; readonly which: number };
    const which = fc.nat(LANES - 1);
    const sizeBytes = fc.oneof(fc.nat(200), fc.nat(70_000), fc.nat(3_000_000));
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
      {
        weight: 10,
        arbitrary: fc.record({
          kind: fc.constant('update' as const),
          which,
          from: fc.nat(noise.length - 3_000_000),
          sizeBytes,
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('digest' as const), which }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), which }) },
    );
    const made = lanes();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const streams: Array<{ stream: Md5Stream; model: ReturnType<typeof createHash> }> = [];
        for (const taken of steps) {
          if (taken.kind === 'open') {
            const stream = made.open();
            expect(stream !== undefined).toBe(streams.length < LANES);
            if (stream) {
              streams.push({ stream, model: createHash('md5') });
            }
            continue;
          }
          const place = taken.which % Math.max(1, streams.length);
          const subject = streams[place];
          if (!subject) {
            continue;
          }
          if (taken.kind === 'update') {
            const bytes = noise.subarray(taken.from, taken.from + taken.sizeBytes);
            subject.stream.update(bytes);
            subject.model.update(bytes);
          } else if (taken.kind === 'digest') {
            streams.splice(place, 1);
            expect(subject.stream.digest()).toBe(subject.model.digest('hex'));
          } else {
            streams.splice(place, 1);
            subject.stream.close();
          }
        }
        for (const { stream, model } of streams) {
          expect(stream.digest()).toBe(model.digest('hex'));
        }
        expect(made.busy).toBe(0);
      }),
      { seed: SEED, numRuns: runs(60) },
    );
  });

  it('wait for nobody: a stream that stands still holds no other one up', () => {
    const made = lanes();
    const still = open(made);
    still.update(noise.subarray(0, 100));
    const busy = open(made);
    busy.update(noise);
    expect(busy.digest()).toBe(md5Of(noise));
    expect(still.digest()).toBe(md5Of(noise.subarray(0, 100)));
  });

  it('forget a stream that was closed, also when it is closed twice', () => {
    const made = lanes();
    const streams = Array.from({ length: LANES }, () => open(made));
    expect(made.open()).toBeUndefined();
    streams[3]?.update(noise.subarray(0, 1_000));
    streams[3]?.close();
    streams[3]?.close();
    const next = open(made);
    expect(made.open()).toBeUndefined();
    next.update(noise.subarray(7, 9_000));
    expect(next.digest()).toBe(md5Of(noise.subarray(7, 9_000)));
  });
});

describe.each([
  ['in lanes', Md5Lanes.create],
  ['where there are no lanes', () => undefined],
])("A thread's md5s of what comes in, %s", (_, createLanes) => {
  it('are right for blocks small and large, more at a time than there are lanes', () => {
    const md5 = new Md5Streams(createLanes);
    const sizes = [0, 5, 70_000, LARGE_BYTES].flatMap((sizeBytes) => Array<number>(4).fill(sizeBytes));
    const blocks = sizes.map((sizeBytes, index) => noise.subarray(Math.min(index, sizeBytes), sizeBytes));
    const streams = blocks.map((block) => md5.open(block.length));
    for (let offset = 0; offset < LARGE_BYTES; offset += 50_000) {
      blocks.forEach((block, index) => {
        streams[index]?.update(block.subarray(offset, offset + 50_000));
      });
    }
    expect(streams.map((stream) => stream.digest())).toEqual(blocks.map(md5Of));
  });
});

describe('The md5 of a block in memory', () => {
  it('is right, and ends with the reason of an abort', async () => {
    const block = new Uint8Array(new SharedArrayBuffer(noise.length));
    block.set(noise);
    expect(await blockMd5(block)).toBe(md5Of(noise));
    const reason = new KeepsyncError('CLOSED', 'no longer wanted');
    const controller = new AbortController();
    const aborted = blockMd5(block, controller.signal);
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
  });
});

import { describe, expect, test } from 'vitest';
import { SAMPLE_COUNT, Throughput } from '../../src/status/throughput.ts';
import { NOW_MS } from './make.ts';

const second = (n: number) => NOW_MS + n * 1000;

describe('throughput', () => {
  test('keeps one sample a second, the oldest first, and forgets after five minutes', () => {
    const throughput = new Throughput();
    for (let at = 0; at < 400; at += 1) {
      throughput.addSent(at, second(at));
    }
    throughput.addReused(7, second(399));
    const samples = throughput.samples(second(400));
    expect(samples).toHaveLength(SAMPLE_COUNT - 1);
    expect(samples.at(-1)).toEqual({ sent: 399, reused: 7 });
    expect(samples[0]).toEqual({ sent: 101, reused: 0 });
    expect(throughput.reusedBytes).toBe(7);
  });

  test('silent seconds are samples too', () => {
    const throughput = new Throughput();
    throughput.addSent(10, second(0));
    throughput.addSent(20, second(3));
    expect(throughput.samples(second(5)).map((sample) => sample.sent)).toEqual([10, 0, 0, 20, 0]);
    expect(throughput.samples(second(1000)).every((sample) => sample.sent === 0)).toBe(true);
  });

  test('estimates nothing before thirty seconds, nor when stalled, nor when nothing is left', () => {
    const throughput = new Throughput();
    for (let at = 0; at < 29; at += 1) {
      throughput.addSent(100, second(at));
    }
    expect(throughput.etaSeconds(1000, second(28))).toBeNull();
    throughput.addSent(100, second(29));
    expect(throughput.etaSeconds(1000, second(29))).toBe(10);
    expect(throughput.bytesPerSecond(second(29))).toBe(100);
    expect(throughput.etaSeconds(0, second(29))).toBeNull();
    expect(throughput.etaSeconds(1000, second(90))).toBeNull();
  });

  test('a long silence begins a new run, which must prove itself anew', () => {
    const throughput = new Throughput();
    for (let at = 0; at < 60; at += 1) {
      throughput.addSent(100, second(at));
    }
    throughput.addSent(100, second(600));
    throughput.addSent(100, second(601));
    throughput.addSent(100, second(602));
    expect(throughput.etaSeconds(1000, second(603))).toBeNull();
    throughput.addSent(100, second(630));
    expect(throughput.etaSeconds(1000, second(630))).not.toBeNull();
  });

  test('a clock that is set back loses no bytes', () => {
    const throughput = new Throughput();
    throughput.addSent(10, second(100));
    throughput.addSent(10, second(50));
    expect(throughput.sentBytes).toBe(20);
    expect(throughput.samples(second(101)).at(-1)?.sent).toBe(20);
  });
});

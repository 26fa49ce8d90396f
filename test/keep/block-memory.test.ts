import { describe, expect, it } from 'vitest';
import { BlockMemory } from '../../src/keep/block-memory.ts';
import { StepClock } from '../support/keep-clock.ts';

const MIB = 1_048_576;

describe('The memory of a downloading thread', () => {
  it('is used again', () => {
    const memory = new BlockMemory(new StepClock());
    const first = memory.take(5 * MIB);
    expect(first.view.length).toBe(5 * MIB);
    memory.giveBack(first);
    const second = memory.take(7 * MIB);
    expect(second.memory).toBe(first.memory);
    expect(second.view.length).toBe(7 * MIB);
  });

  it('is never given to two at once', () => {
    const memory = new BlockMemory(new StepClock());
    expect(memory.take(100).memory).not.toBe(memory.take(100).memory);
  });

  it('grows for a larger block instead of piling up', () => {
    const memory = new BlockMemory(new StepClock());
    for (const sizeBytes of [1, 2 * MIB, 9 * MIB, 64 * MIB, 3 * MIB]) {
      memory.giveBack(memory.take(sizeBytes));
    }
    expect(memory.freeBytes).toBe(64 * MIB);
  });

  it('is let go of after a while of rest, not before', async () => {
    const clock = new StepClock();
    const memory = new BlockMemory(clock);
    memory.giveBack(memory.take(MIB));
    await clock.advance(4999);
    const again = memory.take(MIB);
    await clock.advance(60_000);
    memory.giveBack(again);
    expect(memory.freeBytes).toBe(MIB);
    await clock.advance(5000);
    expect(memory.freeBytes).toBe(0);
    expect(clock.timerCount).toBe(0);
  });
});

import { expect, test } from 'vitest';
import type { BlockRow, StatusSnapshot } from '../../src/contract/status.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { StatusPublisher } from '../../src/status/status-publisher.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { signedIn, someBlock, someFolder, someTallies } from './make.ts';

function publisher() {
  const clock = new ManualClock();
  const snapshots: StatusSnapshot[] = [];
  const blocks: BlockRow[][] = [];
  const status = new StatusPublisher(new StatusFold('daemon', '0'), clock, {
    onSnapshot: (snapshot) => snapshots.push(snapshot),
    onBlocks: (rows) => blocks.push([...rows]),
  });
  return { clock, snapshots, blocks, status };
}

test('however many inputs come, at most ten snapshots a second go out, and the last input is in the last', () => {
  const { clock, snapshots, blocks, status } = publisher();
  for (let step = 0; step < 1000; step += 1) {
    status.apply({ type: 'sent', bytes: 1 });
    status.apply({ type: 'block', block: someBlock({ sizeBytes: step }) });
    clock.advance(1);
  }
  clock.advance(100);
  expect(snapshots.length).toBeGreaterThan(5);
  expect(snapshots.length).toBeLessThanOrEqual(12);
  expect(snapshots.at(-1)?.throughput.sentBytes).toBe(1000);
  expect(blocks.at(-1)?.[0]?.sizeBytes).toBe(999);
  status.close();
});

test('the first input after a quiet time is published without waiting', () => {
  const { clock, snapshots, status } = publisher();
  clock.advance(10_000);
  const before = snapshots.length;
  status.apply({ type: 'account', account: signedIn });
  clock.advance(0);
  expect(snapshots.length).toBe(before + 1);
  status.close();
});

test('sentences age without any input, every second while bytes move', () => {
  const { clock, snapshots, status } = publisher();
  status.apply({ type: 'account', account: signedIn });
  const pending = someTallies({ pending: { files: 1, bytes: 1 } });
  status.apply({ type: 'folder', facts: someFolder({ phase: 'uploading', tallies: pending }) });
  clock.advance(200);
  const before = snapshots.length;
  clock.advance(5_000);
  expect(snapshots.length - before).toBe(5);
  status.close();
});

test('closing leaves no timer behind', () => {
  const { clock, snapshots, status } = publisher();
  status.apply({ type: 'sent', bytes: 1 });
  status.close();
  expect(clock.timerCount).toBe(0);
  clock.advance(60_000);
  expect(snapshots).toEqual([]);
});

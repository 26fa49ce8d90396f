import { expect, test } from 'vitest';
import { createEarlyWatcher } from '../../src/local/early-watcher.ts';
import type { TreeRules, WatchEvents, Watcher } from '../../src/local/ports.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ROOTS = [{ diskPath: '/data', prefix: '' }];
const RULES: TreeRules = { patterns: [], followLinks: false, allowUnreadableNames: false };
const DOUBT = { name: 'KeepsyncError', code: 'TOO_MANY_OPEN', message: 'The watcher lost events' } as const;

/** Counts what it is asked to watch, and lets the test speak for it. */
class ToldWatcher implements Watcher {
  readonly asked: Array<number | undefined> = [];
  readonly events: WatchEvents[] = [];
  closed = 0;
  fails: Error | undefined;

  watch: Watcher['watch'] = async (_roots, _rules, events, knownEntries) => {
    this.asked.push(knownEntries);
    this.events.push(events);
    if (this.fails !== undefined) {
      throw this.fails;
    }
    return {
      close: async () => {
        this.closed += 1;
      },
    };
  };
}

function setUp() {
  const told = new ToldWatcher();
  const clock = new ManualClock();
  const heard: string[] = [];
  const events: WatchEvents = {
    onHints: (hints) => heard.push(...hints.map((hint) => hint.diskPath)),
    onDoubt: (record) => heard.push(record.code),
  };
  return { told, clock, heard, events, early: createEarlyWatcher(told, clock) };
}

test('what was begun is taken over by the first who watches the same, and by nobody else', async () => {
  const { told, clock, heard, events, early } = setUp();
  early.begin(ROOTS, RULES);
  told.events[0]?.onHints([{ diskPath: '/data/before' }]);
  const watching = await early.watch(structuredClone(ROOTS), structuredClone(RULES), events, 7);
  told.events[0]?.onHints([{ diskPath: '/data/after' }]);
  expect(told.asked).toEqual([undefined]);
  expect(heard).toEqual(['/data/after']);
  expect(clock.timerCount).toBe(0);

  await early.watch(ROOTS, RULES, events, 8);
  await early.watch(ROOTS, { ...RULES, followLinks: true }, events, 9);
  expect(told.asked).toEqual([undefined, 8, 9]);
  await early.close();
  expect(told.closed).toBe(0);
  await watching.close();
  expect(told.closed).toBe(1);
});

test('events that were lost before somebody came are told to whoever comes', async () => {
  const { told, heard, events, early } = setUp();
  early.begin(ROOTS, RULES);
  told.events[0]?.onDoubt(DOUBT);
  await early.watch(ROOTS, RULES, events);
  expect(heard).toEqual(['TOO_MANY_OPEN']);
});

test('a watch that could not begin is told to whoever comes', async () => {
  const { told, events, early } = setUp();
  told.fails = new Error('no watches left');
  early.begin(ROOTS, RULES);
  await expect(early.watch(ROOTS, RULES, events)).rejects.toThrow('no watches left');
});

test('what nobody takes over ends after a while, or when all ends', async () => {
  const { told, clock, early } = setUp();
  early.begin(ROOTS, RULES);
  early.begin(ROOTS, RULES);
  expect(told.asked).toHaveLength(1);
  clock.advance(60_000);
  await early.close();
  expect(told.closed).toBe(1);
  early.begin(ROOTS, RULES);
  await early.close();
  expect(told.closed).toBe(2);
  expect(clock.timerCount).toBe(0);
});

test('what could not be ended is told by whoever ends all', async () => {
  const early = createEarlyWatcher(
    {
      watch: async () => ({
        close: async () => {
          throw new Error('it does not end');
        },
      }),
    },
    new ManualClock(),
  );
  early.begin(ROOTS, RULES);
  await expect(early.close()).rejects.toThrow('it does not end');
});

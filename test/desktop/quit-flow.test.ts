import { describe, expect, test } from 'vitest';
import { type QuitChoice, QuitFlow } from '../../src/desktop/quit-flow.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { NOW_MS, signedIn, someFolder, someTallies } from '../status/make.ts';

function flow(options: {
  readonly unsaved?: number;
  readonly choice?: QuitChoice;
  readonly stillFinishing?: boolean;
  readonly close?: () => Promise<void>;
  readonly snapshotFails?: boolean;
}) {
  const events: string[] = [];
  const fold = new StatusFold('desktop', '0.1.0');
  fold.apply({ type: 'account', account: signedIn }, NOW_MS);
  const tallies = someTallies({ pending: { files: options.unsaved ?? 0, bytes: 0 } });
  fold.apply({ type: 'folder', facts: someFolder({ tallies }) }, NOW_MS);
  const quit = new QuitFlow({
    snapshot: async () => {
      if (options.snapshotFails) {
        throw new Error('no snapshot');
      }
      return fold.snapshot(NOW_MS);
    },
    ask: async (unsaved) => {
      events.push(`ask ${unsaved.files}`);
      return options.choice ?? 'cancel';
    },
    askStillFinishing: async () => {
      events.push('still finishing');
      return options.stillFinishing ?? false;
    },
    onFinishing: () => events.push('finishing'),
    close: async ({ finish }) => {
      events.push(finish ? 'close, saving' : 'close');
      await options.close?.();
    },
    exit: () => events.push('exit'),
    onError: () => events.push('error'),
  });
  return { quit, events };
}

describe('quitting', () => {
  test('asks nothing where everything is saved', async () => {
    const { quit, events } = flow({});
    await quit.request();
    expect(events).toEqual(['close', 'exit']);
  });

  test('asks where something is not, and can be called off', async () => {
    const { quit, events } = flow({ unsaved: 3, choice: 'cancel' });
    await quit.request();
    await quit.request();
    expect(events).toEqual(['ask 3', 'ask 3']);
    expect(quit.isUnderWay).toBe(false);
  });

  test.each([
    ['finish', ['ask 3', 'finishing', 'close, saving', 'exit']],
    ['later', ['ask 3', 'close', 'exit']],
  ] as const)('does what was chosen: %s', async (choice, expected) => {
    const { quit, events } = flow({ unsaved: 3, choice });
    await quit.request();
    expect(events).toEqual(expected);
  });

  test('while it finishes, asks whether to wait any longer', async () => {
    let saved: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      saved = resolve;
    });
    const { quit, events } = flow({ unsaved: 1, choice: 'finish', stillFinishing: true, close: () => until });
    const first = quit.request();
    await quit.request();
    expect(events).not.toContain('still finishing');
    await new Promise((resolve) => setImmediate(resolve));
    await quit.request();
    expect(events).toEqual(['ask 1', 'finishing', 'close, saving', 'still finishing', 'exit']);
    saved();
    await first;
  });

  test('closes once, however often and in whatever way it is asked', async () => {
    const { quit, events } = flow({});
    await Promise.all([
      quit.request(),
      quit.now({ finish: false }),
      quit.request(),
      quit.now({ finish: true }),
    ]);
    expect(events.filter((event) => event.startsWith('close'))).toHaveLength(1);
    expect(events).toContain('exit');
  });

  test('ends also where the question or the closing fails', async () => {
    const question = flow({ snapshotFails: true });
    await question.quit.request();
    expect(question.events).toEqual(['error', 'close', 'exit']);
    const closing = flow({ close: () => Promise.reject(new Error('stuck')) });
    await closing.quit.request();
    expect(closing.events).toEqual(['close', 'error', 'exit']);
  });
});

import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import type { ErrorRecord } from '../../src/base/errors.ts';
import { HintRelay } from '../../src/local/hint-relay.ts';
import type { WatchHint } from '../../src/local/ports.ts';

/** A clock whose only timer fires when the test says so. */
class OneTimer implements Clock {
  #fire: (() => void) | undefined;

  nowMs(): number {
    return 0;
  }

  monotonicMs(): number {
    return 0;
  }

  setTimer(_delayMs: number, fire: () => void): () => void {
    this.#fire = fire;
    return () => {
      this.#fire = undefined;
    };
  }

  get isSet(): boolean {
    return this.#fire !== undefined;
  }

  fire(): void {
    const fire = this.#fire;
    this.#fire = undefined;
    fire?.();
  }
}

function newRelay() {
  const clock = new OneTimer();
  const batches: string[][] = [];
  const doubts: ErrorRecord[] = [];
  const relay = new HintRelay(
    {
      onHints: (hints: readonly WatchHint[]) => batches.push(hints.map((hint) => hint.diskPath)),
      onDoubt: (error) => doubts.push(error),
    },
    clock,
    ['/r'],
    '/',
  );
  return { clock, batches, doubts, relay };
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, path: '/r/dir' });
}

describe('hints on their way', () => {
  it('are merged and handed on in one batch', () => {
    const { clock, batches, relay } = newRelay();
    relay.hint('/r/a/b');
    relay.hint('/r/a');
    relay.hint('/r/c');
    expect(batches).toEqual([]);
    clock.fire();
    expect(batches).toEqual([['/r/a', '/r/c']]);
    expect(clock.isSet).toBe(false);
    relay.hint('/r/d');
    clock.fire();
    expect(batches).toEqual([['/r/a', '/r/c'], ['/r/d']]);
  });

  it('stay few, however many come in', () => {
    const { clock, batches, relay } = newRelay();
    for (let index = 0; index < 100_000; index++) {
      relay.hint(`/r/d${index % 3_000}/f${index}`);
    }
    clock.fire();
    expect(batches).toEqual([['/r']]);
  });

  it('end with the watcher', () => {
    const { clock, batches, doubts, relay } = newRelay();
    relay.hint('/r/a');
    relay.close();
    expect(clock.isSet).toBe(false);
    relay.hint('/r/b');
    relay.doubt(systemError('EIO'));
    relay.countEvent();
    expect(clock.isSet).toBe(false);
    expect([batches, doubts]).toEqual([[], []]);
  });
});

describe('doubt', () => {
  it('is raised once for the limit of watches, with what to do about it', () => {
    const { clock, doubts, relay } = newRelay();
    relay.doubt(systemError('ENOSPC'));
    relay.doubt(systemError('ENOSPC'));
    clock.fire();
    relay.doubt(systemError('ENOSPC'));
    expect(clock.isSet).toBe(false);
    expect(doubts).toHaveLength(1);
    expect(doubts[0]?.code).toBe('TOO_MANY_OPEN');
    expect(doubts[0]?.action).toContain('fs.inotify.max_user_watches');
  });

  it('is raised for other errors, each time', () => {
    const { clock, doubts, relay } = newRelay();
    relay.doubt(systemError('EIO'));
    clock.fire();
    relay.doubt(systemError('EACCES'));
    clock.fire();
    expect(doubts.map((doubt) => doubt.code)).toEqual(['FILE_BROKEN', 'FILE_DENIED']);
  });

  it('is raised when more events came at once than can be trusted to be all', () => {
    const { clock, doubts, batches, relay } = newRelay();
    for (let index = 0; index < 8_191; index++) {
      relay.countEvent();
    }
    clock.fire();
    expect(doubts).toEqual([]);
    for (let index = 0; index < 8_192; index++) {
      relay.countEvent();
    }
    relay.hint('/r/a');
    clock.fire();
    expect(doubts.map((doubt) => doubt.code)).toEqual(['FILE_BUSY']);
    expect(batches).toEqual([['/r/a']]);
  });
});

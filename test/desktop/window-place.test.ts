import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desktopArgs } from '../../src/desktop/desktop-args.ts';
import { WINDOW_MIN, windowBounds } from '../../src/desktop/window-place.ts';

const SCREEN = { x: 0, y: 25, width: 1920, height: 1055 };

describe('where the window opens', () => {
  test('where it was', () => {
    const before = { x: 200, y: 100, width: 1000, height: 700 };
    expect(windowBounds(before, [SCREEN])).toEqual(before);
  });

  test('in the middle of a screen that is left, when its own is gone', () => {
    expect(windowBounds({ x: 2500, y: 100, width: 1000, height: 700 }, [SCREEN])).toEqual({
      width: 1000,
      height: 700,
    });
  });

  test('with its title bar below the bar of the system', () => {
    expect(windowBounds({ x: 0, y: 0, width: 1000, height: 700 }, [SCREEN])).toMatchObject({ y: 25 });
  });

  test('never smaller than it may be, and never beyond every screen', () => {
    const anywhere = fc.record({
      x: fc.integer({ min: -5000, max: 5000 }),
      y: fc.integer({ min: -5000, max: 5000 }),
      width: fc.integer({ min: 1, max: 9000 }),
      height: fc.integer({ min: 1, max: 9000 }),
    });
    fc.assert(
      fc.property(anywhere, (before) => {
        const place = windowBounds(before, [SCREEN]);
        expect(place.width).toBeGreaterThanOrEqual(WINDOW_MIN.width);
        expect(place.height).toBeGreaterThanOrEqual(WINDOW_MIN.height);
        if (place.x !== undefined && place.y !== undefined) {
          expect(place.x).toBeLessThan(SCREEN.x + SCREEN.width);
          expect(place.y).toBeLessThan(SCREEN.y + SCREEN.height);
          expect(place.y).toBeGreaterThanOrEqual(SCREEN.y);
        }
      }),
      { verbose: true },
    );
  });
});

describe('the command line of the app', () => {
  test.each([
    [[], { profile: undefined, hidden: false }],
    [['--profile', '/p'], { profile: '/p', hidden: false }],
    [['--profile=/p', '--hidden', '--some-chromium-switch'], { profile: '/p', hidden: true }],
  ])('%j', (args, expected) => {
    expect(desktopArgs(['/usr/bin/keepsync', ...args])).toEqual(expected);
  });
});

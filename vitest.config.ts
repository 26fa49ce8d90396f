import { defineConfig } from 'vitest/config';

/** Set by `npm run test:long`, whose samples take hours. */
const isLong = process.env.KEEPSYNC_LONG === '1';
const DAY_MS = 24 * 3_600_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/desktop/shared-build-setup.ts'],
    setupFiles: ['test/support/property-set-up.ts'],
    pool: 'forks',
    // A busy machine is no failure. What a step waits for has a shorter limit, and says what it was.
    testTimeout: isLong ? DAY_MS : 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
  },
});

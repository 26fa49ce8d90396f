import type { BenchCase } from '../lib/bench-case.ts';

export const mainThread: readonly BenchCase[] = [];

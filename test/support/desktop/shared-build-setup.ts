import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a run's one build of the app goes; empty until a test needs it. */
    readonly appFolder: string;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'keepsync-app-'));

/** A vitest global setup: a place for one build of the app for all test files of a run. */
export function setup(project: TestProject): void {
  project.provide('appFolder', folder);
}

export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openRunFolder, removeRunFolder } from './run-folder.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a run's one build of the app goes; empty until a test needs it. */
    readonly appFolder: string;
  }
}

let folder: string;

/** A vitest global setup: a folder for temporary files of the run's own, and in it a place for one build of the app. */
export function setup(project: TestProject): void {
  folder = openRunFolder();
  const appFolder = join(folder, 'app');
  mkdirSync(appFolder);
  project.provide('appFolder', appFolder);
}

export function teardown(): void {
  removeRunFolder(folder);
}

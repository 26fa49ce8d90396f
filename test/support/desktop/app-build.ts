import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const LOOK_EVERY_MS = 100;

/** Builds the app, the command and the window into `folder`, as a start from there needs them. */
export async function buildApp(folder: string): Promise<void> {
  const { name, productName, version, main } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, string>;
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, productName, version, main: 'main.cjs' }),
  );
  writeFileSync(
    join(folder, 'main.cjs'),
    `require('./test/support/desktop/tray-notes.cjs');\nrequire('./${main}');\n`,
  );
  // an older runtime finds there what it lacks
  symlinkSync(join(ROOT, 'test'), join(folder, 'test'));
  await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), join(folder, 'dist')], { cwd: ROOT });
}

/**
 * The run's one build below `folder`: made by the first test file that asks, waited for by the others. Throws where it
 * failed.
 */
export async function sharedBuild(folder: string): Promise<string> {
  const app = join(folder, 'app');
  const [done, failed] = [join(folder, 'done'), join(folder, 'failed')];
  if (mkdirSync(app, { recursive: true }) === undefined) {
    while (!existsSync(done)) {
      if (existsSync(failed)) {
        throw new Error(`The app could not be built: ${readFileSync(failed, 'utf8')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    return app;
  }
  try {
    await buildApp(app);
  } catch (thrown) {
    writeFileSync(failed, String(thrown));
    throw thrown;
  }
  writeFileSync(done, '');
  return app;
}

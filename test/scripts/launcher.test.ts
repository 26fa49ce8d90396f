import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Stands for the built command: tells what it was started on and with, and ends as it is told. */
const MAIN = `
const [how = ''] = process.argv.slice(2);
process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(7); });
console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2) }));
if (how === 'wait') {
  setInterval(() => undefined, 1_000);
} else if (how === 'die') {
  process.kill(process.pid, 'SIGKILL');
} else {
  process.exitCode = Number(how);
}
`;

/** Makes the Node that loads it look like an old one; the Node that the launcher starts does not load it. */
const PRETEND = `
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } });
process.execArgv = [];
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keepsync-launcher-'));
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'keepsync.cjs'), MAIN);
  writeFileSync(join(folder, 'pretend-old.cjs'), PRETEND);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function givePackagedNode(): void {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const packaged = join(folder, 'node_modules', name);
  mkdirSync(join(packaged, 'bin'), { recursive: true });
  writeFileSync(join(packaged, 'package.json'), JSON.stringify({ name, version: process.versions.node }));
  symlinkSync(process.execPath, join(packaged, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'));
}

function launcherArgs(isOld: boolean, args: readonly string[]): string[] {
  const pretend = isOld ? ['--require', join(folder, 'pretend-old.cjs')] : [];
  return [...pretend, join(folder, 'bin', 'keepsync.cjs'), ...args];
}

function launch(
  isOld: boolean,
  ...args: string[]
): { status: number | null; signal: string | null; out: string; err: string; pid: number } {
  const { status, signal, stdout, stderr, pid } = spawnSync(process.execPath, launcherArgs(isOld, args), {
    encoding: 'utf8',
  });
  return { status, signal, out: stdout, err: stderr, pid };
}

describe('the launcher', () => {
  test('goes on in its own process where the Node is new enough', () => {
    const { status, out, pid } = launch(false, '3', 'a b');
    expect(JSON.parse(out)).toEqual({ pid, args: ['3', 'a b'] });
    expect(status).toBe(3);
  });

  test('starts the Node of its package where the running one is old, and passes arguments and exit code on', () => {
    givePackagedNode();
    const { status, out, pid } = launch(true, '4', '--flag', 'ü');
    expect(JSON.parse(out)).toMatchObject({ args: ['4', '--flag', 'ü'] });
    expect(JSON.parse(out)).not.toMatchObject({ pid });
    expect(status).toBe(4);
  });

  test('ends by the signal that ended the command', () => {
    givePackagedNode();
    expect(launch(true, 'die').signal).toBe('SIGKILL');
  });

  test('passes a signal on and waits for the command to end', async () => {
    givePackagedNode();
    const child = spawn(process.execPath, launcherArgs(true, ['wait']), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    const ended = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out === '') {
        child.kill('SIGTERM');
      }
      out += text;
    });
    expect(await ended).toEqual([7, null]);
    expect(out).toContain('asked to stop');
  });

  test('says what to do where there is no Node to go on with', () => {
    const { status, out, err } = launch(true, '0');
    expect([status, out]).toEqual([1, '']);
    expect(err).toContain('needs Node 24, and this is Node 18.20.0');
    expect(err).toContain('Install Node 24');
  });

  test('says what to do where nothing has been built', () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    expect(existsSync(join(folder, 'dist'))).toBe(false);
    const { status, err } = launch(false, '0');
    expect(status).toBe(1);
    expect(err).toContain('npm run build');
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let dist: string;

function node(...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: ROOT });
  return { status, out: stdout, err: stderr };
}

beforeAll(() => {
  dist = join(mkdtempSync(join(tmpdir(), 'keepsync-build-')), 'dist');
  const { status, err } = node('scripts/build.mjs', dist);
  expect([status, err]).toEqual([0, '']);
});

afterAll(() => {
  rmSync(join(dist, '..'), { recursive: true, force: true });
});

describe('the build', () => {
  test('makes a command that runs where there are no packages', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const { status, out, err } = node(join(dist, 'keepsync.cjs'), '--version');
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain(version);
  });

  test('makes a command that keeps its compiled code in the home folder of who runs it', () => {
    const home = join(dist, 'home');
    const env = { HOME: home, LOCALAPPDATA: home, PATH: process.env.PATH };
    const { status, stderr } = spawnSync(process.execPath, [join(dist, 'keepsync.cjs'), '--version'], {
      env,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(readdirSync(home, { recursive: true }).map(String).join('\n')).toMatch(/keepsync.*compiled/i);
  });

  test('bundles every thread that the source can start', () => {
    const source = readFileSync(join(ROOT, 'src/base/thread.ts'), 'utf8');
    const entries = [...source.matchAll(/^ {2}\| '[a-z-/]+\/([a-z-]+)'/gm)].map((match) => `${match[1]}.cjs`);
    const bundled = readdirSync(join(dist, 'threads')).filter((name) => name.endsWith('.cjs'));
    expect(entries.length).toBeGreaterThan(2);
    expect(bundled.sort()).toEqual(entries.sort());
  });

  test('names the licences of what it took from others, and takes in nothing of this computer', () => {
    const notices = readFileSync(join(dist, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['zod', 'commander', 'ws', 'winston', 'chokidar']) {
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\([A-Z]`, 'm'));
    }
    expect(notices).toContain('Permission is hereby granted');
    for (const name of ['keepsync.cjs', 'program.cjs']) {
      expect(readFileSync(join(dist, name), 'utf8')).not.toContain(ROOT);
    }
  });
});

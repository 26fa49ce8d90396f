import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/contract/settings.ts';
import { DiagnosticsDesk } from '../../src/shell/diagnostics.ts';
import { NameRemover } from '../../src/shell/name-remover.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';
import { NOW_MS, someConfig, someFolder, someProblem } from '../status/make.ts';

const TOKEN = `v2/zzzzz-gj3su-000000000000001/${'s3cret'.repeat(8)}`;
const LOG = [
  JSON.stringify({ level: 'info', message: `sent with ${TOKEN}`, path: 'patients/jane.bam' }),
  JSON.stringify({ level: 'warn', message: 'cannot read /data/Trio/x', home: '/home/ann/y' }),
  'a line that is no JSON, Bearer abcdefghijkl',
  '',
].join('\n');

function world() {
  const engine = new ScriptedEngine();
  engine.fold.apply({ type: 'folder', facts: someFolder({ config: someConfig('Trio') }) }, NOW_MS);
  engine.fold.apply(
    {
      type: 'problems',
      folderId: 'f1',
      problems: [someProblem({ message: 'jane.bam in /data/Trio', examplePath: 'patients/jane.bam' })],
    },
    NOW_MS,
  );
  engine.answers = {
    'settings.get': () => defaultSettings,
    'blocks.list': () => ({ total: 4, rows: [] }),
    'files.list': () => ({ total: 9, rows: [] }),
    'saves.list': () => [],
  };
  const desk = new DiagnosticsDesk({
    host: engine,
    diagnose: async () => [
      {
        id: 'profile',
        finding: 'failed',
        message: `/home/ann cannot be written with ${TOKEN}`,
        action: null,
        requestId: null,
      },
    ],
    readLog: async () => LOG,
    system: () => ({ platform: 'linux' }),
    secrets: () => [TOKEN, 's3cret'.repeat(8)],
    names: () => [['/home/ann', '<home>']],
  });
  return { desk };
}

describe('the diagnostics bundle', () => {
  test('holds no token, and no name of a file, folder or person', async () => {
    const { desk } = world();
    const { entries } = await desk.collect();
    expect(entries.map((entry) => entry.name)).toEqual([
      'README.txt',
      'checks.json',
      'keepsync.log',
      'status.json',
      'settings.json',
      'journal-summary.json',
      'system.json',
    ]);
    for (const { name } of entries) {
      const text = await desk.read(name);
      for (const secret of ['s3cret', 'jane', '/data/Trio', 'Trio', '/home/ann', '"ann"', 'abcdefghijkl']) {
        expect(text, `${secret} in ${name}`).not.toContain(secret);
      }
    }
    const removedFrom = (name: string) => entries.find((entry) => entry.name === name)?.removed;
    expect(removedFrom('keepsync.log')).toBeGreaterThanOrEqual(4);
    expect(removedFrom('checks.json')).toBeGreaterThanOrEqual(2);
    expect(removedFrom('system.json')).toBe(0);
    const list = await desk.read('README.txt');
    for (const { name, sizeBytes, removed } of entries.slice(1)) {
      expect(list).toMatch(new RegExp(`^${name}: .*\\(${sizeBytes} bytes, ${removed} taken out\\)$`, 'm'));
    }
  });

  test('is saved as it was shown', async () => {
    const { desk } = world();
    const { entries, bundleBytes } = await desk.collect();
    const zipped = await desk.zip();
    expect(zipped.byteLength).toBe(bundleBytes);
    const files = unzipSync(zipped);
    expect(Object.keys(files)).toEqual(entries.map((entry) => entry.name));
    for (const { name, sizeBytes } of entries) {
      expect(files[name]?.byteLength).toBe(sizeBytes);
      expect(new TextDecoder().decode(files[name])).toBe(await desk.read(name));
    }
  });

  test('has only its own entries', async () => {
    await expect(world().desk.read('../token.json')).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('taking names out', () => {
  test('counts what it took', () => {
    const remover = new NameRemover([], [['Trio', '<folder>']]);
    expect(remover.value({ path: 'a', note: 'Trio and Trio', list: ['Trio'], size: 4, none: null })).toEqual({
      path: '<removed>',
      note: '<folder> and <folder>',
      list: ['<folder>'],
      size: 4,
      none: null,
    });
    expect(remover.removed).toBe(4);
  });

  test('a name inside a longer one does not spoil it', () => {
    const remover = new NameRemover(
      [],
      [
        ['data', '<b>'],
        ['/home/ann/data', '<a>'],
      ],
    );
    expect(remover.text('/home/ann/data/x')).toBe('<a>/x');
  });
});

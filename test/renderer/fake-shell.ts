import type { Preview, Shell, SignInCheck } from '../../src/contract/shell.ts';

const GIB = 1024 ** 3;

const later = <T>(value: T, delayMs = 30): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value), delayMs));

const CHECKS: Readonly<Record<SignInCheck, string>> = {
  host: 'in 38 ms',
  arvados: 'cluster sgcl1, API of 11 Aug 2026',
  certificate: 'until 3 Mar 2027',
  clock: '0.4 s apart',
  token: 'Mara Lindqvist, until 14 Feb 2027',
  keep: '3 of 3 servers answer',
};

const RULE_SIZES: Readonly<Record<string, readonly [number, number]>> = {
  '*.tmp': [90, 1.0],
  '*.partial': [4, 0.1],
  '~*': [2, 0.001],
  '.DS_Store': [600, 0.002],
  'Thumbs.db': [10, 0.001],
  'desktop.ini': [1, 0.0001],
  'Thumbnail_Images/': [11_904, 17.6],
  'Logs/': [1_204, 0.379],
};

export interface ShellWorld {
  readonly hasTray: boolean;
  /** Notes a call, for tests to read; may throw the error that a test asked for. */
  record(name: string, input: unknown): void;
  signIn(host: string | null, local: boolean): void;
}

/** What a desktop shell answers, without a desktop. `rounds` makes the folder count come in two parts. */
export function fakeShell(world: ShellWorld): Shell {
  let counts = 0;
  const recorded =
    <I, O>(name: string, answer: (input: I) => O, delayMs?: number) =>
    async (input: I): Promise<O> => {
      world.record(name, input);
      return later(answer(input), delayMs);
    };
  const done = { ok: true } as const;
  return {
    about: recorded('about', () => ({
      platform: 'win32' as const,
      systemName: 'Windows',
      tokenIsKept: 'encrypted' as const,
      hasTray: world.hasTray,
      environmentHost: 'sgcl1.arvadosapi.example',
      environmentFrom: 'settings.conf' as const,
      localCluster: true,
    })),
    chooseFolder: recorded('chooseFolder', () => 'D:\\Runs'),
    chooseCaFile: recorded('chooseCaFile', () => 'C:\\certificates\\lab-ca.pem'),
    showFile: recorded('showFile', () => done),
    copyText: recorded('copyText', () => done),
    openExternalWorkbench: recorded('openExternalWorkbench', () => ({ url: null })),
    saveText: recorded('saveText', () => ({ saved: true })),
    signIn: recorded('signIn', (input) => {
      world.signIn(input.how === 'token' ? input.host : 'sgcl1.arvadosapi.example', input.how === 'local');
      return done;
    }),
    signOut: recorded('signOut', () => done),
    check: recorded(
      'check',
      ({ signIn, check }) => {
        const wrong = signIn.how === 'token' && signIn.token === 'wrong' && check === 'token';
        return wrong
          ? {
              passed: false,
              detail: 'The cluster does not know this token.',
              action: 'Copy it again from Workbench.',
              code: 'NOT_SIGNED_IN' as const,
              requestId: 'req-7h2m0v4kq91xw3t8d5za',
            }
          : { passed: true, detail: CHECKS[check], action: null, code: null, requestId: null };
      },
      120,
    ),
    listProjects: recorded('listProjects', () => [
      { uuid: null, name: 'Home', parentUuid: null, writable: true, collections: null },
      { uuid: 'p1', name: 'Sequencing', parentUuid: null, writable: true, collections: 42 },
      { uuid: 'p2', name: '2026-11', parentUuid: 'p1', writable: true, collections: 9 },
      { uuid: 'p3', name: '2026-10', parentUuid: 'p1', writable: true, collections: 31 },
      { uuid: 'p4', name: 'Trio 2026', parentUuid: null, writable: false, collections: 12 },
      { uuid: 'p5', name: 'Method tests', parentUuid: null, writable: true, collections: 3 },
    ]),
    storage: recorded('storage', () => ({
      classes: ['default', 'archive'],
      defaultClasses: ['default'],
      replication: 2,
    })),
    previewFolder: recorded('previewFolder', ({ rules }): Preview => {
      const part = counts++ % 2 === 0 ? 0.6 : 1;
      const sized = rules.map((rule) => {
        const [files, gib] = RULE_SIZES[rule.pattern] ?? [0, 0];
        return { ...rule, files: Math.floor(files * part), bytes: Math.floor(gib * GIB * part) };
      });
      const out = sized.filter((rule) => rule.on);
      const leftOutFiles = out.reduce((sum, rule) => sum + rule.files, 0);
      const leftOutBytes = out.reduce((sum, rule) => sum + rule.bytes, 0);
      const bytes = Math.floor(431 * GIB * part) - leftOutBytes;
      return {
        files: Math.floor(52_016 * part) - leftOutFiles,
        bytes,
        leftOutFiles,
        leftOutBytes,
        blocks: Math.ceil(bytes / (64 * 1024 * 1024)),
        rules: sized.map(({ pattern, files, bytes: size }) => ({
          pattern,
          files,
          bytes: size,
          examplePath: files > 0 ? `20261118_A01234/${pattern.replace('*', 'draft')}` : null,
        })),
        complete: part === 1,
        countedAtMs: Date.now(),
      };
    }),
    testPath: recorded('testPath', ({ path }) => ({ pattern: path.endsWith('.tmp') ? '*.tmp' : null })),
    diagnostics: recorded('diagnostics', () => ({
      entries: [
        { name: 'keepsync.log', sizeBytes: 2.1 * 1024 * 1024, removed: 4 },
        { name: 'status.json', sizeBytes: 18 * 1024, removed: 41 },
        { name: 'settings.json', sizeBytes: 2 * 1024, removed: 2 },
        { name: 'journal-summary.json', sizeBytes: 6 * 1024, removed: 3_830 },
        { name: 'system.json', sizeBytes: 1024, removed: 0 },
      ],
      bundleBytes: 640 * 1024,
    })),
    readDiagnostics: recorded('readDiagnostics', ({ name }) => ({
      text: `{\n  "of": "${name}",\n  "token": "(removed)"\n}`,
    })),
    saveDiagnostics: recorded('saveDiagnostics', () => ({ path: 'D:\\keepsync-diagnostics.zip' })),
    acceptDrop: async () => 'D:\\Dropped',
    onNavigate: () => () => undefined,
  };
}

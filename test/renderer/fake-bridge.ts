import { type Bridge, BridgeError } from '../../renderer/bridge.ts';
import type {
  CommandInput,
  CommandName,
  CommandOutput,
  ContractEvents,
} from '../../src/contract/commands.ts';
import { defaultSettings, type FolderConfig, type Settings } from '../../src/contract/settings.ts';
import type { ErrorView, Shell } from '../../src/contract/shell.ts';
import {
  type ActivityRow,
  emptyBar,
  type FileRow,
  type Pipeline,
  type ProblemGroup,
  STAGES,
  type StatusSnapshot,
} from '../../src/contract/status.ts';
import { words } from '../../src/contract/words.ts';
import { fakeShell } from './fake-shell.ts';
import { FakeFolder, type FolderPlan, problem, seeded } from './fake-world.ts';

const MIB = 1024 * 1024;

const RUN: FolderPlan = {
  id: 'run421',
  name: '20261118_A01234_0421_BHJ7KLDSXC',
  parent: 'D:\\Runs',
  collectionName: 'Run 0421, NovaSeq',
  files: 3_046,
  blocks: { saved: 1_166, stored: 12, uploading: 3, filling: 2, waiting: 256, failed: 1 },
};
const FASTQ: FolderPlan = {
  id: 'fastq420',
  name: '20261112_A01234_0420_AHJ5MNDSXC_fastq',
  parent: 'E:\\Fastq',
  collectionName: 'FASTQ of run 0420',
  files: 784,
  blocks: { saved: 2_214, stored: 7, uploading: 1, filling: 1, waiting: 1_176, failed: 0 },
};
const TRIO: FolderPlan = {
  id: 'trio',
  name: 'trio-2026-11',
  parent: 'E:\\Results',
  collectionName: 'Trio 2026-11, joint calls',
  files: 1_908,
  blocks: { saved: 2_371, stored: 0, uploading: 0, filling: 0, waiting: 0, failed: 0 },
};
const MISEQ: FolderPlan = {
  id: 'miseq188',
  name: '20261119_M07712_0188_000000000-L9F4K',
  parent: 'D:\\Runs',
  collectionName: 'Run 0188, MiSeq',
  files: 312,
  blocks: { saved: 198, stored: 0, uploading: 0, filling: 0, waiting: 0, failed: 0 },
};
/** 1 TiB in 16,384 blocks and 100,000 files. */
const BIG: FolderPlan = {
  id: 'big',
  name: 'archive-2026',
  parent: 'F:\\Archive',
  collectionName: 'Archive 2026',
  files: 100_000,
  blocks: { saved: 9_001, stored: 20, uploading: 3, filling: 1, waiting: 7_359, failed: 1 },
};

const allSaved = (plan: FolderPlan): FolderPlan => ({
  ...plan,
  blocks: {
    saved: Object.values(plan.blocks).reduce((sum, count) => sum + count, 0),
    stored: 0,
    uploading: 0,
    filling: 0,
    waiting: 0,
    failed: 0,
  },
});

export const SCENARIOS = ['uploading', 'saved', 'empty', 'first-run', 'problems', 'big', 'offline'] as const;
export type Scenario = (typeof SCENARIOS)[number];

const PLANS: Readonly<Record<Scenario, readonly FolderPlan[]>> = {
  uploading: [RUN, FASTQ, TRIO, MISEQ],
  saved: [RUN, FASTQ, TRIO, MISEQ].map(allSaved),
  empty: [],
  'first-run': [],
  problems: [RUN, allSaved(FASTQ), allSaved(TRIO), MISEQ],
  big: [BIG],
  offline: [RUN, MISEQ],
};

const LIMIT = 48 * MIB;

function problemsOf(scenario: Scenario, nowMs: number): ProblemGroup[] {
  if (scenario === 'offline') {
    return [
      problem('OFFLINE', null, 1, {
        nowMs,
        title: 'The cluster cannot be reached',
        nextTryAtMs: nowMs + 20_000,
      }),
    ];
  }
  const waiting = [
    problem('FILE_CHANGED', RUN.id, 2, {
      nowMs,
      examplePath: 'Fastq/NA24385_S4_L002_R1_001.fastq.gz',
      nextTryAtMs: nowMs + 40_000,
    }),
    problem('FILE_BUSY', RUN.id, 1, {
      nowMs,
      message: 'RTA3.exe keeps the file to itself',
      examplePath: 'Data/Intensities/BaseCalls/L001/C058.1/L001_2.cbcl',
      nextTryAtMs: nowMs + 25_000,
    }),
    problem('BUSY', RUN.id, 1, {
      nowMs,
      message: 'keep2 answered 503, attempt 5 of 11 comes next',
      examplePath: 'Fastq/NA24385_S4_L001_R2_001.fastq.gz',
      requestId: 'req-2k9d81mx0q7ah4n6v3tz',
      nextTryAtMs: nowMs + 18_000,
    }),
  ];
  if (scenario === 'uploading') {
    return waiting;
  }
  if (scenario !== 'problems') {
    return [];
  }
  // 500 files of three causes that need a person
  return [
    problem('FORBIDDEN', TRIO.id, 214, {
      nowMs,
      message: '403 Forbidden, “cannot write to owner sgcl1-j7d0g-0k4v2m7q9xw3t1a”',
      examplePath: 'joint/cohort.g.vcf.gz',
      requestId: 'req-7h2m0v4kq91xw3t8d5za',
    }),
    problem('MASS_DELETE', FASTQ.id, 283, {
      nowMs,
      message: '283 of 784 files are gone. The folder is paused, the collection still has them.',
      examplePath: 'Fastq/NA12878_S1_L001_R1_001.fastq.gz',
    }),
    problem('BAD_NAME', TRIO.id, 3, {
      nowMs,
      message: 'The name holds a no-break space',
      examplePath: 'QC/final\u00a0report.html',
    }),
    ...waiting,
  ];
}

export interface FakeOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  /** The world stands still. */
  readonly still: boolean;
  /** Random block changes a second, in batches of ten events a second. */
  readonly changesPerSecond: number;
  readonly hasTray: boolean;
}

type Listener = (payload: unknown) => void;

/** The engine as the window sees it, scripted: a sync over time, and a note of every call. */
export class FakeBridge implements Bridge {
  readonly calls: { readonly name: string; readonly input: unknown }[] = [];
  readonly connection = {
    state: (): 'connecting' | 'open' | 'refused' => this.#connection,
    subscribe: (listener: () => void) => {
      this.#watchers.add(listener);
      return () => this.#watchers.delete(listener);
    },
  };
  readonly shell: Shell;
  readonly folders: FakeFolder[];
  problems: ProblemGroup[];
  settings: Settings;
  readonly #options: FakeOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #watchers = new Set<() => void>();
  readonly #failures = new Map<string, ErrorView>();
  readonly #samples: { sent: number; reused: number }[] = [];
  readonly #activity: ActivityRow[] = [];
  #connection: 'connecting' | 'open' | 'refused' = 'open';
  #revision = 1;
  #verdict: StatusSnapshot['verdict'] | null = null;

  constructor(options: FakeOptions) {
    this.#options = options;
    const nowMs = Date.now();
    this.folders = PLANS[options.scenario].map(
      (plan, index) => new FakeFolder(plan, options.seed + index, nowMs),
    );
    this.problems = problemsOf(options.scenario, nowMs);
    for (const group of this.problems) {
      const folder = this.folders.find((each) => each.plan.id === group.folderId);
      if (folder !== undefined && group.kind === 'needs-you') {
        folder.blocked = true;
      }
    }
    const signedIn = options.scenario !== 'first-run';
    this.settings = {
      ...defaultSettings,
      account: { ...defaultSettings.account, host: signedIn ? 'sgcl1.arvadosapi.example' : null },
      network: { ...defaultSettings.network, uploadLimitBytesPerSecond: LIMIT },
      startAtLogin: true,
    };
    this.#fillHistory(nowMs);
    this.shell = fakeShell({
      hasTray: options.hasTray,
      record: (name, input) => this.#record(`shell.${name}`, input),
      signIn: (host, local) => {
        this.settings = {
          ...this.settings,
          account: { ...this.settings.account, host: local ? null : host, local },
        };
        this.changed();
      },
    });
  }

  /** Starts the world; the page keeps it running. */
  start(): void {
    if (this.#options.changesPerSecond > 0) {
      const perEvent = Math.ceil(this.#options.changesPerSecond / 10);
      setInterval(() => this.emit('blocks', this.folders[0]?.shake(perEvent, Date.now()) ?? []), 100);
    }
    if (!this.#options.still) {
      setInterval(() => this.tick(), 500);
    }
  }

  /** One step of the simulated sync. */
  tick(): void {
    const nowMs = Date.now();
    const rows = this.folders.flatMap((folder) => folder.step(nowMs));
    if (rows.length > 0) {
      this.emit('blocks', rows);
    }
    this.#samples.shift();
    const busy = this.folders.some((folder) => !folder.allSaved() && !folder.paused && !folder.blocked);
    this.#samples.push({ sent: busy ? (36 + 6 * Math.sin(this.#revision / 9)) * MIB : 0, reused: 0 });
    this.problems = this.problems.map((group) =>
      group.nextTryAtMs !== null && group.nextTryAtMs < nowMs
        ? { ...group, nextTryAtMs: nowMs + 40_000 }
        : group,
    );
    this.changed();
  }

  /** Tells the window that the snapshot changed. */
  changed(): void {
    this.#revision += 1;
    this.emit('status', this.snapshot());
  }

  setVerdict(sentence: string, detail = ''): void {
    this.#verdict = { sentence, detail };
    this.changed();
  }

  setConnection(state: 'connecting' | 'open' | 'refused'): void {
    this.#connection = state;
    for (const watcher of this.#watchers) {
      watcher();
    }
  }

  /** The next calls of this name fail. */
  fail(name: string, error: ErrorView): void {
    this.#failures.set(name, error);
  }

  log(level: ActivityRow['level'], message: string): void {
    const row: ActivityRow = {
      seq: this.#activity.length + 1,
      atMs: Date.now(),
      level,
      folderId: null,
      message,
    };
    this.#activity.push(row);
    this.emit('activity', row);
  }

  emit<E extends keyof ContractEvents>(event: E, payload: ContractEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      // as over a real bridge: the window gets a copy
      listener(structuredClone(payload));
    }
  }

  subscribe<E extends keyof ContractEvents>(
    event: E,
    listener: (payload: ContractEvents[E]) => void,
  ): () => void {
    const set = this.#listeners.get(event) ?? new Set<Listener>();
    this.#listeners.set(event, set);
    const entry: Listener = (payload) => listener(payload as ContractEvents[E]);
    set.add(entry);
    return () => set.delete(entry);
  }

  async run<N extends CommandName>(name: N, input: CommandInput<N>): Promise<CommandOutput<N>> {
    this.#record(name, input);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return structuredClone(this.#answer(name, input)) as CommandOutput<N>;
  }

  snapshot(): StatusSnapshot {
    const nowMs = Date.now();
    const { scenario } = this.#options;
    const needs = this.problems.filter((group) => group.kind === 'needs-you');
    const folders = this.folders.map((folder) =>
      folder.status(
        nowMs,
        folder.blocked ? (needs.find((group) => group.folderId === folder.plan.id)?.title ?? null) : null,
      ),
    );
    const bar = emptyBar();
    for (const folder of folders) {
      for (const stage of STAGES) {
        bar[stage].bytes += folder.bar[stage].bytes;
        bar[stage].files += folder.bar[stage].files;
      }
    }
    const syncing = folders.filter((folder) => folder.tray === 'syncing').length;
    const offline = scenario === 'offline';
    const rate = offline ? 0 : (this.#samples.at(-1)?.sent ?? 0);
    const unsaved = Object.values(bar).reduce((sum, amount) => sum + amount.bytes, 0) - bar.saved.bytes;
    const etaSeconds = rate > 0 && unsaved > 0 ? unsaved / rate : null;
    const tray =
      needs.length > 0
        ? 'attention'
        : offline
          ? 'offline'
          : folders.some((folder) => folder.tray === 'paused')
            ? 'paused'
            : syncing > 0
              ? 'syncing'
              : 'ready';
    const lastSave = Math.max(0, ...folders.map((folder) => folder.lastSaveAtMs ?? 0));
    const sentence =
      needs.length > 0
        ? words.problemsNeedYou(needs.length)
        : offline
          ? words.offline(nowMs - 600_000, nowMs)
          : syncing > 0
            ? words.uploadingFolders(syncing, etaSeconds)
            : folders.length === 0
              ? words.noFolders
              : words.everythingSaved(lastSave, nowMs);
    const detail = offline
      ? words.offlineDetail
      : `${words.inAll(bar.saved.files, bar.saved.bytes)} saved${needs.length === 0 ? '. Nothing needs you.' : '.'}`;
    return {
      revision: this.#revision,
      atMs: nowMs,
      owner: 'desktop',
      version: '0.1.0',
      account: {
        host: this.settings.account.host,
        user: this.settings.account.host === null ? null : 'Mara Lindqvist',
        local: this.settings.account.local,
        connected: !offline && (this.settings.account.host !== null || this.settings.account.local),
        tokenExpiresAtMs: Date.UTC(2027, 1, 14, 12),
      },
      tray,
      verdict: this.#verdict ?? { sentence, detail },
      bar,
      pipeline: this.#pipeline(nowMs),
      throughput: {
        bytesPerSecond: rate,
        samples: this.#samples,
        limitBytesPerSecond: this.settings.network.uploadLimitBytesPerSecond,
        sentBytes: 214.6 * 1024 * MIB,
        reusedBytes: 9.4 * 1024 * MIB,
        etaSeconds,
      },
      pendingBlocks: 4,
      folders,
      problems: this.problems,
    };
  }

  #pipeline(nowMs: number): Pipeline {
    const step = (stage: 'filling' | 'uploading' | 'stored' | 'saved' | 'failed', ageMs: number) => {
      const rows = this.folders.flatMap((folder) => folder.rows.filter((row) => row.stage === stage));
      return {
        bytes: rows.reduce((sum, row) => sum + row.sizeBytes, 0),
        blocks: rows.length,
        oldestAtMs: rows.length === 0 || stage === 'saved' ? null : nowMs - ageMs,
      };
    };
    return {
      filling: step('filling', 9_000),
      uploading: step('uploading', 6_000),
      stored: step('stored', 32_000),
      saved: step('saved', 0),
      failed: step('failed', 42_000),
    };
  }

  #record(name: string, input: unknown): void {
    this.calls.push({ name, input: structuredClone(input) });
    const failure = this.#failures.get(name);
    if (failure !== undefined) {
      this.#failures.delete(name);
      throw new BridgeError(failure);
    }
  }

  #folder(id: string): FakeFolder {
    const folder = this.folders.find((each) => each.plan.id === id);
    if (folder === undefined) {
      throw new BridgeError({ code: 'NOT_FOUND', name: 'KeepsyncError', message: 'No such folder' });
    }
    return folder;
  }

  #files(folderId: string, search: string, stages: readonly string[], offset: number, limit: number) {
    const folder = this.#folder(folderId);
    const bar = folder.bar();
    const needle = search.toLowerCase();
    const hits: number[] = [];
    folder.paths.forEach((path, index) => {
      if (needle === '' || path.toLowerCase().includes(needle)) {
        hits.push(index);
      }
    });
    const matching =
      stages.length === 0 ? hits : hits.filter((index) => stages.includes(folder.fileRow(index, bar).stage));
    return {
      total: matching.length,
      rows: matching.slice(offset, offset + limit).map((index) => folder.fileRow(index, bar)),
    };
  }

  #problemFiles(id: string, offset: number, limit: number): { total: number; rows: FileRow[] } {
    const group = this.problems.find((each) => each.id === id);
    const total = group?.count ?? 0;
    const rows = Array.from(
      { length: Math.max(0, Math.min(limit, total - offset)) },
      (_, i): FileRow => ({
        path: offset + i === 0 ? (group?.examplePath ?? '') : `joint/part-${offset + i}.g.vcf.gz`,
        stage: 'failed',
        sizeBytes: (i + 1) * MIB,
        reason: group?.message ?? null,
        code: group?.code ?? null,
      }),
    );
    return { total, rows };
  }

  #answer(name: CommandName, raw: unknown): unknown {
    // the window is typed against the contract; here the shapes are taken as they come
    const input = raw as Record<string, never> & {
      folderId: string;
      problemId: string;
      search?: string;
      stages?: string[];
      offset?: number;
      limit?: number;
      change: Partial<FolderConfig>;
      untilMs?: number | null;
    };
    const { offset = 0, limit = 200 } = input;
    switch (name) {
      case 'status.get':
        return this.snapshot();
      case 'folders.list':
        return this.snapshot().folders;
      case 'folders.get':
        return {
          status: this.#folder(input.folderId).status(Date.now(), null),
          config: this.#folder(input.folderId).config,
        };
      case 'folders.add': {
        const config = raw as FolderConfig;
        const plan: FolderPlan = {
          ...RUN,
          id: `added${this.folders.length}`,
          name: config.name,
          collectionName: config.target.collectionName,
          blocks: { saved: 0, stored: 0, uploading: 0, filling: 0, waiting: 120, failed: 0 },
        };
        const folder = new FakeFolder(plan, 99, Date.now());
        this.folders.push(folder);
        this.changed();
        return folder.status(Date.now(), null);
      }
      case 'folders.set': {
        const folder = this.#folder(input.folderId);
        folder.config = { ...folder.config, ...input.change };
        this.changed();
        return folder.status(Date.now(), null);
      }
      case 'folders.remove':
        this.folders.splice(this.folders.indexOf(this.#folder(input.folderId)), 1);
        this.changed();
        return { ok: true };
      case 'folders.pause':
      case 'folders.resume':
        for (const folder of this.folders) {
          if (input.folderId === null || input.folderId === folder.plan.id) {
            folder.paused = name === 'folders.pause';
            folder.pausedUntilMs = input.untilMs ?? null;
          }
        }
        this.changed();
        return { ok: true };
      case 'folders.retry':
        return { retried: 1 };
      case 'folders.rescan':
      case 'folders.confirmDeletes':
      case 'owner.stop':
        return { ok: true };
      case 'blocks.list': {
        const rows = this.#folder(input.folderId).rows;
        return { total: rows.length, rows: rows.slice(offset, offset + limit) };
      }
      case 'files.list':
        return this.#files(input.folderId, input.search ?? '', input.stages ?? [], offset, limit);
      case 'saves.list':
        return this.#folder(input.folderId).saves.slice(offset, offset + limit);
      case 'problems.list':
        return this.problems;
      case 'problems.files':
        return this.#problemFiles(input.problemId, offset, limit);
      case 'activity.list': {
        const needle = (input.search ?? '').toLowerCase();
        return this.#activity.filter((row) => row.message.toLowerCase().includes(needle)).slice(-limit);
      }
      case 'settings.get':
        return this.settings;
      case 'settings.set':
        this.settings = { ...this.settings, ...(raw as Partial<Settings>) };
        this.changed();
        return this.settings;
    }
  }

  #fillHistory(nowMs: number): void {
    const random = seeded(this.#options.seed);
    const idle = this.#options.scenario === 'saved';
    let rate = 36;
    for (let i = 0; i < 300; i += 1) {
      rate = Math.min(47, Math.max(24, rate + (random() - 0.5) * 4));
      const reused = i > 180 && i < 255 ? (3 + 5 * random()) * MIB : 0;
      const quiet = idle && i > 80;
      this.#samples.push(quiet ? { sent: 0, reused: 0 } : { sent: rate * MIB, reused: idle ? 0 : reused });
    }
    if (this.#options.scenario === 'empty' || this.#options.scenario === 'first-run') {
      this.#samples.length = 0;
    }
    const lines: readonly (readonly [ActivityRow['level'], string])[] = [
      ['info', 'Saved 19 blocks, 1.19 GiB, 212 files, as version 212'],
      ['info', 'Block 1,184 is stored, 2 of 2 copies'],
      ['warn', 'keep2 is busy (503), block 874 goes again in 18 s (req-2k9d81mx0q7ah4n6v3tz)'],
      ['info', 'Looked at 3,046 files, 18 changed'],
      ['error', 'You may not write to “Trio 2026” (req-7h2m0v4kq91xw3t8d5za)'],
      ['debug', 'Fastq/NA12892_S3_L002_R1_001.fastq.gz changed, calm until 14:02:12'],
    ];
    for (let i = 0; i < 900; i += 1) {
      const [level, message] = lines[Math.floor(random() * lines.length)] ?? ['info', ''];
      const folder = this.folders[i % Math.max(1, this.folders.length)];
      this.#activity.push({
        seq: i + 1,
        atMs: nowMs - (900 - i) * 7_000,
        level,
        folderId: folder?.plan.id ?? null,
        message,
      });
    }
  }
}

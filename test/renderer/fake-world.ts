import { CAUSES } from '../../src/contract/problems.ts';
import type { FolderConfig } from '../../src/contract/settings.ts';
import {
  type Bar,
  type BlockRow,
  emptyBar,
  type FileRow,
  type FolderStatus,
  type ProblemGroup,
  type SaveRow,
  STAGES,
  type Stage,
} from '../../src/contract/status.ts';
import { words } from '../../src/contract/words.ts';

const MIB = 1024 * 1024;
const BLOCK_BYTES = 64 * MIB;

/** A small seeded generator: the same seed gives the same world. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const hex = (random: () => number, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');

export interface FolderPlan {
  readonly id: string;
  readonly name: string;
  readonly parent: string;
  readonly collectionName: string;
  readonly files: number;
  /** Blocks that exist, by stage; `waiting` are places to be filled. */
  readonly blocks: Readonly<Record<Stage, number>>;
}

const STATE_OF: Readonly<Record<Stage, BlockRow['state']>> = {
  saved: 'SAVED',
  stored: 'COMMITTED',
  uploading: 'PENDING',
  filling: 'WRITABLE',
  waiting: 'WRITABLE',
  failed: 'ERROR',
};

const NAMES = [
  (i: number) =>
    `Fastq/NA128${(i % 90) + 10}_S${(i % 4) + 1}_L00${(i % 2) + 1}_R${(i % 2) + 1}_${String(i).padStart(5, '0')}.fastq.gz`,
  (i: number) => `Data/Intensities/BaseCalls/L00${(i % 2) + 1}/C${i % 318}.1/L00${(i % 2) + 1}_${i}.cbcl`,
  (i: number) => `InterOp/C${i % 318}.1/QMetricsOut_${i}.bin`,
] as const;

/** One watched folder that moves its blocks from place to fill to saved. */
export class FakeFolder {
  readonly plan: FolderPlan;
  readonly rows: BlockRow[] = [];
  readonly paths: readonly string[];
  readonly saves: SaveRow[] = [];
  config: FolderConfig;
  places: number;
  paused = false;
  blocked = false;
  pausedUntilMs: number | null = null;
  lastSaveAtMs: number | null;
  nextSaveAtMs: number | null;
  portableDataHash: string;
  readonly #random: () => number;

  constructor(plan: FolderPlan, seed: number, nowMs: number) {
    this.plan = plan;
    this.#random = seeded(seed);
    this.places = plan.blocks.waiting;
    this.paths = Array.from({ length: plan.files }, (_, i) =>
      (NAMES[i % 7 === 0 ? 2 : i % 3 === 0 ? 1 : 0] ?? NAMES[0])(i),
    );
    for (const stage of ['saved', 'stored', 'uploading', 'filling'] as const) {
      for (let i = 0; i < plan.blocks[stage]; i += 1) {
        this.rows.push(this.#row(this.rows.length, stage, nowMs - 60_000));
      }
    }
    for (let i = 0; i < plan.blocks.failed; i += 1) {
      const at = Math.floor(this.rows.length * (0.6 + 0.1 * i));
      this.rows[at] = this.#row(at, 'failed', nowMs - 60_000);
    }
    // the stages mingle at the front of the work, as they do with two threads
    for (let i = 0; i < Math.min(20, plan.blocks.stored * 2); i += 1) {
      const a =
        this.rows.length - 1 - Math.floor(this.#random() * (plan.blocks.stored + plan.blocks.uploading + 8));
      const b = Math.min(this.rows.length - 1, a + 3);
      const rowA = this.rows[a];
      const rowB = this.rows[b];
      if (rowA !== undefined && rowB !== undefined) {
        this.rows[a] = this.#row(a, rowB.stage, rowB.sinceMs);
        this.rows[b] = this.#row(b, rowA.stage, rowA.sinceMs);
      }
    }
    this.portableDataHash = `${hex(this.#random, 32)}+118204`;
    this.lastSaveAtMs = plan.blocks.saved > 0 ? nowMs - 41_000 : null;
    this.nextSaveAtMs = this.allSaved() ? null : nowMs + 31_000;
    for (let i = 0; i < Math.min(212, plan.blocks.saved); i += 1) {
      this.saves.push({
        atMs: nowMs - 41_000 - i * 95_000,
        files: 1 + Math.floor(this.#random() * 40),
        bytes: Math.floor(this.#random() * 40 * BLOCK_BYTES),
        deleted: i % 17 === 3 ? 2 : 0,
        portableDataHash: `${hex(this.#random, 32)}+${118204 - i * 94}`,
        version: 212 - i,
      });
    }
    this.config = {
      roots: [{ diskPath: `${plan.parent}\\${plan.name}`, prefix: '' }],
      name: plan.name,
      target: {
        collectionUuid: `sgcl1-4zz18-${plan.id.padStart(15, '0')}`,
        projectUuid: null,
        collectionName: plan.collectionName,
        replication: null,
        storageClasses: [],
      },
      deletes: 'keep',
      rules: {
        patterns: ['*.tmp', '*.partial', '~*', 'Thumbnail_Images/', '.DS_Store', 'Thumbs.db'],
        followLinks: false,
        allowUnreadableNames: false,
      },
      paused: false,
      pausedUntilMs: null,
    };
  }

  #row(index: number, stage: Stage, sinceMs: number): BlockRow {
    const files = index % 37 === 0 ? 9 : 1 + (index % 2);
    const level = stage === 'filling' ? 0.2 + 0.6 * this.#random() : 1;
    const first = Math.floor(
      (index * this.plan.files) / Math.max(1, this.rows.length + this.plan.blocks.waiting + 1),
    );
    return {
      id: `bufferblock${index}`,
      folderId: this.plan.id,
      state: STATE_OF[stage],
      stage,
      sizeBytes: Math.floor(BLOCK_BYTES * level),
      capacityBytes: BLOCK_BYTES,
      locator: stage === 'filling' ? null : `${hex(this.#random, 32)}+${Math.floor(BLOCK_BYTES * level)}`,
      files,
      examplePaths: Array.from(
        { length: Math.min(5, files) },
        (_, i) => this.paths[(first + i) % this.paths.length] ?? '',
      ),
      attempts: stage === 'failed' ? 5 : stage === 'uploading' ? 1 : 0,
      server: stage === 'uploading' ? `keep${1 + (index % 3)}` : stage === 'failed' ? 'keep2' : null,
      error: stage === 'failed' ? 'keep2 is busy (503), goes again in 18 s' : null,
      sinceMs,
    };
  }

  count(stage: Stage): number {
    return stage === 'waiting'
      ? this.places
      : this.rows.reduce((sum, row) => sum + (row.stage === stage ? 1 : 0), 0);
  }

  allSaved(): boolean {
    return this.places === 0 && this.rows.every((row) => row.stage === 'saved');
  }

  /** Moves the work on by one step; gives the rows that changed. */
  step(nowMs: number): BlockRow[] {
    if (this.paused || this.blocked || this.allSaved()) {
      return [];
    }
    const changed: BlockRow[] = [];
    const set = (index: number, stage: Stage) => {
      const row = this.#row(index, stage, nowMs);
      this.rows[index] = row;
      changed.push(row);
    };
    if (this.nextSaveAtMs !== null && nowMs >= this.nextSaveAtMs) {
      this.rows.forEach((row, index) => {
        if (row.stage === 'stored') {
          set(index, 'saved');
        }
      });
      this.lastSaveAtMs = nowMs;
      this.nextSaveAtMs = nowMs + 31_000;
      this.portableDataHash = `${hex(this.#random, 32)}+118204`;
    }
    const uploading = this.rows.findIndex((row) => row.stage === 'uploading');
    const filling = this.rows.findIndex((row) => row.stage === 'filling');
    if (uploading >= 0) {
      set(uploading, 'stored');
    }
    if (filling >= 0) {
      set(filling, 'uploading');
    }
    if (this.places > 0) {
      this.places -= 1;
      const index = this.rows.length;
      this.rows.push(this.#row(index, 'filling', nowMs));
      const row = this.rows[index];
      if (row !== undefined) {
        changed.push(row);
      }
    }
    return changed;
  }

  /** Turns `count` random blocks into something else: for the frame rate, not for truth. */
  shake(count: number, nowMs: number): BlockRow[] {
    const stages: readonly Stage[] = ['saved', 'stored', 'uploading', 'filling', 'failed'];
    return Array.from({ length: count }, () => {
      const index = Math.floor(this.#random() * this.rows.length);
      const row = this.#row(index, stages[Math.floor(this.#random() * stages.length)] ?? 'saved', nowMs);
      this.rows[index] = row;
      return row;
    });
  }

  bar(): Bar {
    const bar = emptyBar();
    const all = this.rows.length + this.places;
    for (const row of this.rows) {
      bar[row.stage].bytes += row.sizeBytes;
    }
    bar.waiting.bytes += this.places * BLOCK_BYTES;
    let left = this.plan.files;
    for (const stage of [...STAGES].reverse()) {
      const blocks = this.count(stage);
      const files =
        stage === 'saved'
          ? left
          : Math.min(left, blocks === 0 ? 0 : Math.max(1, Math.floor((this.plan.files * blocks) / all)));
      bar[stage].files = files;
      left -= files;
    }
    return bar;
  }

  /** Which stage a file is in: the counts of the bar, worst first, spread in this order. */
  fileRow(index: number, bar: Bar): FileRow {
    const order: readonly Stage[] = ['failed', 'waiting', 'filling', 'uploading', 'stored', 'saved'];
    let rest = index;
    let stage: Stage = 'saved';
    for (const each of order) {
      if (rest < bar[each].files) {
        stage = each;
        break;
      }
      rest -= bar[each].files;
    }
    const reasons: Readonly<Record<Stage, readonly (string | null)[]>> = {
      failed: ['keep2 was busy (503), goes again in 18 s'],
      waiting: [
        'Still being written, changed 6 s ago',
        'Locked by another program, next try 14:02:30',
        null,
        null,
      ],
      filling: ['5 % read', 'Packed with 8 other small files'],
      uploading: ['Last 2 of 34 blocks are on their way'],
      stored: [null],
      saved: [null],
    };
    const list = reasons[stage];
    const path = this.paths[index] ?? '';
    return {
      path,
      stage,
      sizeBytes: path.startsWith('InterOp') ? 3.1 * MIB : 180 * MIB + ((index * 7919) % 2300) * MIB,
      reason: list[index % list.length] ?? null,
      code: stage === 'failed' ? 'BUSY' : stage === 'waiting' ? 'FILE_CHANGED' : null,
    };
  }

  status(nowMs: number, blockedSentence: string | null): FolderStatus {
    const bar = this.bar();
    const all = Object.values(bar).reduce((sum, amount) => sum + amount.bytes, 0);
    const saved = this.allSaved();
    const unsaved = all - bar.saved.bytes;
    const phase = this.paused ? 'paused' : this.blocked ? 'blocked' : saved ? 'watching' : 'uploading';
    return {
      id: this.plan.id,
      name: this.plan.name,
      path: `${this.plan.parent}\\${this.plan.name}`,
      collectionUuid: `sgcl1-4zz18-${this.plan.id.padStart(15, '0')}`,
      collectionName: this.plan.collectionName,
      projectUuid: null,
      deletes: this.config.deletes,
      phase,
      tray: this.paused ? 'paused' : this.blocked ? 'attention' : saved ? 'ready' : 'syncing',
      sentence: this.paused
        ? words.paused(this.pausedUntilMs, nowMs)
        : (blockedSentence ??
          (saved
            ? words.everythingSaved(this.lastSaveAtMs, nowMs)
            : words.unsaved(unsaved, this.plan.files - bar.saved.files))),
      bar,
      percentSaved: saved ? 100 : Math.min(99, Math.floor((bar.saved.bytes / Math.max(1, all)) * 100)),
      lastSaveAtMs: this.lastSaveAtMs,
      nextSaveAtMs: this.nextSaveAtMs,
      portableDataHash: this.lastSaveAtMs === null ? null : this.portableDataHash,
      lastScanAtMs: nowMs - 90_000,
      ignored: 611,
      links: 0,
      pausedUntilMs: this.pausedUntilMs,
    };
  }
}

/** A problem group as the engine makes one. */
export function problem(
  code: ProblemGroup['code'],
  folderId: string | null,
  count: number,
  rest: Partial<ProblemGroup> & { readonly nowMs: number },
): ProblemGroup {
  const cause = CAUSES[code];
  const { nowMs, ...given } = rest;
  return {
    id: folderId === null ? code : `${code}:${folderId}`,
    code,
    kind: cause.kind,
    folderId,
    count,
    title: words.problemTitle(count, cause.reason),
    message: cause.reason,
    advice: cause.advice,
    actions: [...cause.actions],
    examplePath: null,
    requestId: null,
    nextTryAtMs: null,
    sinceMs: nowMs - 15 * 60_000,
    ...given,
  };
}

import { CAUSES } from '../contract/problems.ts';
import type {
  BlockRow,
  FolderStatus,
  Pipeline,
  ProblemGroup,
  Stage,
  StatusSnapshot,
} from '../contract/status.ts';
import { addBars, everythingSaved, folderBar, percentSaved } from './folder-bar.ts';
import type { AccountFacts, FolderFacts, LiveBlock, ProblemFact, StatusInput } from './inputs.ts';
import { mergeFacts, problemGroup, sortGroups, worstOf } from './problem-groups.ts';
import { Throughput } from './throughput.ts';
import { accountTray, folderSentence, folderTray, verdict } from './verdict.ts';

const STAGE_OF: Readonly<Record<LiveBlock['state'], Stage>> = {
  WRITABLE: 'filling',
  PENDING: 'uploading',
  COMMITTED: 'stored',
  ERROR: 'failed',
};

/** At most so many example paths go into a block's row. */
const EXAMPLE_PATHS = 5;

/** A locator without its signature and other hints: `md5+size`. */
const withoutHints = (locator: string): string => locator.split('+').slice(0, 2).join('+');

function blockRow(block: LiveBlock): BlockRow {
  return {
    id: block.blockId,
    folderId: block.folderId,
    state: block.state,
    stage: STAGE_OF[block.state],
    sizeBytes: block.sizeBytes,
    capacityBytes: block.capacityBytes,
    locator: block.locator === null ? null : withoutHints(block.locator),
    files: block.files,
    examplePaths: block.examplePaths.slice(0, EXAMPLE_PATHS),
    attempts: block.attempts,
    server: block.server,
    error: block.error,
    sinceMs: block.sinceMs,
  };
}

/**
 * Everything known, folded from the stages' inputs; `snapshot` says it as one picture from which tray, window and
 * command line all read. No side effects: time comes in with each call, and the same inputs give the same snapshot.
 */
export class StatusFold {
  readonly #owner: StatusSnapshot['owner'];
  readonly #version: string;
  readonly #folders = new Map<string, FolderFacts>();
  readonly #blocks = new Map<string, LiveBlock>();
  readonly #changedBlocks = new Set<string>();
  /** Stored and no longer live, but not told yet. */
  readonly #justStored = new Map<string, LiveBlock>();
  readonly #problems = new Map<string | null, readonly ProblemFact[]>();
  readonly #throughput = new Throughput();
  #limitBytesPerSecond = 0;
  #revision = 0;
  #account: AccountFacts = {
    host: null,
    user: null,
    local: false,
    connected: false,
    offlineSinceMs: null,
    tokenExpiresAtMs: null,
  };

  constructor(owner: StatusSnapshot['owner'], version: string) {
    this.#owner = owner;
    this.#version = version;
  }

  /** Takes one input in; `activity` inputs belong to the ActivityLog and change nothing here. */
  apply(input: StatusInput, nowMs: number): void {
    switch (input.type) {
      case 'folder':
        this.#folders.set(input.facts.id, input.facts);
        break;
      case 'folder-removed':
        this.#folders.delete(input.folderId);
        this.#problems.delete(input.folderId);
        for (const block of this.#blocks.values()) {
          if (block.folderId === input.folderId) {
            this.#blocks.delete(block.blockId);
          }
        }
        break;
      case 'block':
        this.#blocks.set(input.block.blockId, input.block);
        this.#changedBlocks.add(input.block.blockId);
        break;
      case 'block-removed':
        this.#removeBlock(input.blockId);
        break;
      case 'problems':
        this.#problems.set(input.folderId, mergeFacts(input.problems));
        break;
      case 'account':
        this.#account = input.account;
        break;
      case 'sent':
        this.#throughput.addSent(input.bytes, nowMs);
        break;
      case 'reused':
        this.#throughput.addReused(input.bytes, nowMs);
        break;
      case 'limit':
        this.#limitBytesPerSecond = input.bytesPerSecond;
        break;
      case 'activity':
        return;
    }
    this.#revision += 1;
  }

  /** Live blocks of a folder, or with null of all. */
  liveBlocks(folderId: string | null): BlockRow[] {
    const blocks = [...this.#blocks.values()];
    return blocks.filter((block) => folderId === null || block.folderId === folderId).map(blockRow);
  }

  /**
   * Rows of the live blocks that changed since the last call. Of those that were removed since only the stored ones are
   * told: they live on in the journal.
   */
  takeChangedBlocks(): BlockRow[] {
    const rows = [...this.#justStored.values()].map(blockRow);
    this.#justStored.clear();
    for (const id of this.#changedBlocks) {
      const block = this.#blocks.get(id);
      if (block !== undefined) {
        rows.push(blockRow(block));
      }
    }
    this.#changedBlocks.clear();
    return rows;
  }

  #removeBlock(blockId: string): void {
    const block = this.#blocks.get(blockId);
    if (block?.state === 'COMMITTED' && this.#changedBlocks.has(blockId)) {
      this.#justStored.set(blockId, block);
    }
    this.#blocks.delete(blockId);
  }

  snapshot(nowMs: number): StatusSnapshot {
    const blocks = [...this.#blocks.values()];
    const problems = this.#problemGroups();
    const folders = [...this.#folders.values()].map((facts) =>
      this.#folderStatus(facts, blocks, problems, nowMs),
    );
    const bar = addBars(folders.map((folder) => folder.bar));
    const pipeline = this.#pipeline(blocks);
    const leftBytes = bar.uploading.bytes + bar.filling.bytes + bar.waiting.bytes;
    const etaSeconds = this.#throughput.etaSeconds(leftBytes, nowMs);
    const tray = worstOf([
      accountTray(this.#account),
      ...folders.map((folder) => folder.tray),
      ...problems.filter((problem) => problem.folderId === null).map((problem) => CAUSES[problem.code].tray),
    ]);
    return {
      revision: this.#revision,
      atMs: nowMs,
      owner: this.#owner,
      version: this.#version,
      account: {
        host: this.#account.host,
        user: this.#account.user,
        local: this.#account.local,
        connected: this.#account.connected,
        tokenExpiresAtMs: this.#account.tokenExpiresAtMs,
      },
      tray,
      verdict: verdict({ tray, account: this.#account, folders, problems, pipeline, etaSeconds, nowMs }),
      bar,
      pipeline,
      throughput: {
        bytesPerSecond: this.#throughput.bytesPerSecond(nowMs),
        samples: this.#throughput.samples(nowMs),
        limitBytesPerSecond: this.#limitBytesPerSecond,
        sentBytes: this.#throughput.sentBytes,
        reusedBytes: this.#throughput.reusedBytes,
        etaSeconds,
      },
      pendingBlocks: blocks.filter((block) => block.state === 'PENDING').length,
      folders,
      problems,
    };
  }

  #problemGroups(): ProblemGroup[] {
    const groups: ProblemGroup[] = [];
    for (const [folderId, facts] of this.#problems) {
      if (folderId === null || this.#folders.has(folderId)) {
        groups.push(...facts.map((fact) => problemGroup(folderId, fact)));
      }
    }
    return sortGroups(groups);
  }

  #folderStatus(
    facts: FolderFacts,
    allBlocks: readonly LiveBlock[],
    allProblems: readonly ProblemGroup[],
    nowMs: number,
  ): FolderStatus {
    const blocks = allBlocks.filter((block) => block.folderId === facts.id);
    const problems = allProblems.filter((problem) => problem.folderId === facts.id);
    const bar = folderBar(facts, blocks);
    const complete = everythingSaved(facts, blocks);
    const config = facts.config;
    const status: Omit<FolderStatus, 'sentence'> = {
      id: facts.id,
      name: config.name,
      path: config.roots[0]?.diskPath ?? '',
      collectionUuid: facts.collectionUuid ?? config.target.collectionUuid,
      collectionName: config.target.collectionName,
      projectUuid: config.target.projectUuid,
      deletes: config.deletes,
      phase: facts.phase,
      tray: folderTray(facts, complete, problems),
      bar,
      percentSaved: percentSaved(facts, bar, complete),
      lastSaveAtMs: facts.lastSaveAtMs,
      nextSaveAtMs: facts.nextSaveAtMs,
      portableDataHash: facts.portableDataHash,
      lastScanAtMs: facts.lastScanAtMs,
      ignored: facts.ignored,
      links: facts.links,
      pausedUntilMs: config.pausedUntilMs,
    };
    return { ...status, sentence: folderSentence(status, facts, complete, problems, nowMs) };
  }

  #pipeline(blocks: readonly LiveBlock[]): Pipeline {
    const live = (states: ReadonlyArray<LiveBlock['state']>) => {
      const step: { bytes: number; blocks: number; oldestAtMs: number | null } = {
        bytes: 0,
        blocks: 0,
        oldestAtMs: null,
      };
      for (const block of blocks) {
        if (states.includes(block.state)) {
          step.bytes += block.sizeBytes;
          step.blocks += 1;
          step.oldestAtMs = Math.min(step.oldestAtMs ?? block.sinceMs, block.sinceMs);
        }
      }
      return step;
    };
    const stored: { bytes: number; blocks: number; oldestAtMs: number | null } = {
      bytes: 0,
      blocks: 0,
      oldestAtMs: null,
    };
    const saved = { bytes: 0, blocks: 0, oldestAtMs: null };
    for (const { tallies } of this.#folders.values()) {
      if (tallies !== null) {
        stored.bytes += tallies.storedBlocks.bytes;
        stored.blocks += tallies.storedBlocks.files;
        saved.bytes += tallies.savedBlocks.bytes;
        saved.blocks += tallies.savedBlocks.files;
        if (tallies.oldestStoredAtMs !== null) {
          stored.oldestAtMs = Math.min(
            stored.oldestAtMs ?? tallies.oldestStoredAtMs,
            tallies.oldestStoredAtMs,
          );
        }
      }
    }
    // acknowledged, but not in the journal yet: still on the way (see folderBar)
    return {
      filling: live(['WRITABLE']),
      uploading: live(['PENDING', 'COMMITTED']),
      stored,
      saved,
      failed: live(['ERROR']),
    };
  }
}

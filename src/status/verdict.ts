import { CAUSES, type TrayState } from '../contract/problems.ts';
import type { FolderStatus, Pipeline, ProblemGroup } from '../contract/status.ts';
import { words } from '../contract/words.ts';
import { barTotal } from './folder-bar.ts';
import type { AccountFacts, FolderFacts } from './inputs.ts';
import { worstOf } from './problem-groups.ts';

const PHASE_TRAY: Readonly<Record<Exclude<FolderFacts['phase'], 'watching' | 'stopped'>, TrayState>> = {
  starting: 'syncing',
  scanning: 'syncing',
  uploading: 'syncing',
  saving: 'syncing',
  paused: 'paused',
  blocked: 'attention',
};

/** The worst of a folder's phase, of what blocks it and of its problems. `ready` only where everything is saved. */
export function folderTray(
  facts: FolderFacts,
  complete: boolean,
  problems: readonly ProblemGroup[],
): TrayState {
  const quiet = (whileOpen: TrayState): TrayState => (complete ? 'ready' : whileOpen);
  const byPhase =
    facts.phase === 'watching'
      ? quiet('syncing')
      : facts.phase === 'stopped'
        ? quiet('paused')
        : PHASE_TRAY[facts.phase];
  return worstOf([
    byPhase,
    ...(facts.blockedBy === null ? [] : [CAUSES[facts.blockedBy].tray]),
    ...problems.map((problem) => CAUSES[problem.code].tray),
  ]);
}

export function accountTray(account: AccountFacts): TrayState {
  if (account.host === null) {
    return 'attention';
  }
  return account.connected ? 'ready' : 'offline';
}

/** One sentence for one folder. */
export function folderSentence(
  status: Omit<FolderStatus, 'sentence'>,
  facts: FolderFacts,
  complete: boolean,
  problems: readonly ProblemGroup[],
  nowMs: number,
): string {
  const needsYou = problems.find((problem) => problem.kind === 'needs-you');
  if (needsYou) {
    return needsYou.title;
  }
  if (facts.blockedBy !== null) {
    return words.problemTitle(null, CAUSES[facts.blockedBy].reason);
  }
  const bar = status.bar;
  const moving = {
    files: bar.uploading.files + bar.filling.files + bar.waiting.files,
    bytes: bar.uploading.bytes + bar.filling.bytes + bar.waiting.bytes,
  };
  if (status.phase === 'paused') {
    return words.paused(status.pausedUntilMs, nowMs);
  }
  if (complete && (status.phase === 'watching' || status.phase === 'stopped')) {
    return words.everythingSaved(status.lastSaveAtMs, nowMs);
  }
  if (status.phase === 'stopped') {
    return words.stopped;
  }
  if (status.phase === 'starting') {
    return words.starting;
  }
  if (status.phase === 'scanning' && moving.files === 0) {
    return words.looking;
  }
  const waiting = problems.find((problem) => problem.kind === 'waiting');
  const onItsWay = bar.uploading.bytes + bar.filling.bytes;
  if (waiting && onItsWay === 0) {
    return waiting.title;
  }
  if (moving.files > 0 || moving.bytes > 0) {
    return words.uploading(moving.files, moving.bytes);
  }
  if (status.phase === 'saving') {
    return words.saving;
  }
  if (bar.stored.files > 0 || bar.stored.bytes > 0) {
    return words.storedNotSaved(bar.stored.bytes, facts.tallies?.oldestStoredAtMs ?? null, nowMs);
  }
  if (waiting) {
    return waiting.title;
  }
  const leaving = (facts.tallies?.deleted.files ?? 0) + (facts.tallies?.gone.files ?? 0);
  if (leaving > 0) {
    return words.removing(leaving);
  }
  return facts.lastScanAtMs === null ? words.notLookedYet : words.saving;
}

export interface VerdictInput {
  readonly tray: TrayState;
  readonly account: AccountFacts;
  readonly folders: readonly FolderStatus[];
  readonly problems: readonly ProblemGroup[];
  readonly pipeline: Pipeline;
  readonly etaSeconds: number | null;
  readonly nowMs: number;
}

/** The answer to "is my data safe?": a sentence for the tray state, and a second one below it. */
export function verdict(input: VerdictInput): { sentence: string; detail: string } {
  const { account, folders, nowMs, tray } = input;
  const bars = folders.map((folder) => folder.bar);
  const total = bars
    .map(barTotal)
    .reduce((sum, part) => ({ files: sum.files + part.files, bytes: sum.bytes + part.bytes }), {
      files: 0,
      bytes: 0,
    });
  const saved = {
    files: bars.reduce((sum, bar) => sum + bar.saved.files, 0),
    bytes: bars.reduce((sum, bar) => sum + bar.saved.bytes, 0),
  };
  const unsaved = { files: total.files - saved.files, bytes: total.bytes - saved.bytes };
  const stored = input.pipeline.stored;
  const openDetail = () => {
    if (stored.bytes > 0 || stored.blocks > 0) {
      return words.storedNotSaved(stored.bytes, stored.oldestAtMs, nowMs);
    }
    const waiting = input.problems.find((problem) => problem.kind === 'waiting');
    return unsaved.files > 0 || unsaved.bytes > 0
      ? words.unsaved(unsaved.bytes, unsaved.files)
      : (waiting?.title ?? '');
  };

  const needsYou = input.problems.filter((problem) => problem.kind === 'needs-you');
  const first = needsYou[0];
  if (first) {
    return { sentence: words.problemsNeedYou(needsYou.length), detail: `${first.title}. ${first.advice}` };
  }
  if (account.host === null) {
    return { sentence: words.notSignedIn, detail: words.signIn };
  }
  switch (tray) {
    case 'error':
    case 'attention': {
      const blocked = folders.find((folder) => folder.tray === tray);
      return {
        sentence: words.problemsNeedYou(1),
        detail: blocked ? `${blocked.name}: ${blocked.sentence}` : '',
      };
    }
    case 'offline':
      return { sentence: words.offline(account.offlineSinceMs, nowMs), detail: words.offlineDetail };
    case 'paused': {
      const paused = folders.filter((folder) => folder.phase === 'paused');
      const ends = paused.map((folder) => folder.pausedUntilMs);
      const until =
        ends.includes(null) || ends.length === 0 ? null : Math.max(...ends.map((end) => end ?? 0));
      return {
        sentence: paused.length === 0 ? words.stopped : words.paused(until, nowMs),
        detail: openDetail(),
      };
    }
    case 'syncing': {
      const busy = folders.filter((folder) => folder.tray === 'syncing');
      const uploading = busy.filter(
        ({ bar }) =>
          bar.uploading.bytes + bar.filling.bytes + bar.waiting.bytes > 0 ||
          bar.uploading.files + bar.filling.files + bar.waiting.files > 0,
      );
      const waiting = input.problems.find((problem) => problem.kind === 'waiting');
      if (waiting && busy.every((folder) => folder.phase === 'watching')) {
        return { sentence: waiting.title, detail: openDetail() };
      }
      if (uploading.length > 0) {
        return { sentence: words.uploadingFolders(uploading.length, input.etaSeconds), detail: openDetail() };
      }
      const looking = busy.filter((folder) => folder.phase === 'scanning' || folder.phase === 'starting');
      if (looking.length > 0) {
        return { sentence: words.lookingIn(looking.length), detail: openDetail() };
      }
      return { sentence: words.saving, detail: openDetail() };
    }
    case 'ready': {
      if (folders.length === 0) {
        return { sentence: words.noFolders, detail: words.addFolder };
      }
      const saves = folders.map((folder) => folder.lastSaveAtMs).filter((at) => at !== null);
      return {
        sentence: words.everythingSaved(saves.length === 0 ? null : Math.max(...saves), nowMs),
        detail: words.inAll(saved.files, saved.bytes),
      };
    }
  }
}

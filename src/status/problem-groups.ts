import { CAUSES, TRAY_STATES, type TrayState } from '../contract/problems.ts';
import type { ProblemGroup } from '../contract/status.ts';
import { words } from '../contract/words.ts';
import type { ProblemFact } from './inputs.ts';

/** Position in TRAY_STATES: the smaller, the worse. */
const badness = (state: TrayState): number => TRAY_STATES.indexOf(state);

export function worstOf(states: Iterable<TrayState>): TrayState {
  let worst: TrayState = 'ready';
  for (const state of states) {
    if (badness(state) < badness(worst)) {
      worst = state;
    }
  }
  return worst;
}

export function problemGroup(folderId: string | null, fact: ProblemFact): ProblemGroup {
  const cause = CAUSES[fact.code];
  const files = fact.files > 0 ? fact.files : null;
  return {
    id: folderId === null ? fact.code : `${fact.code}:${folderId}`,
    code: fact.code,
    kind: cause.kind,
    folderId,
    count: Math.max(1, fact.files),
    title:
      cause.kind === 'waiting' && files !== null
        ? words.waitingFiles(files, cause.reason)
        : words.problemTitle(files, cause.reason),
    message: fact.message,
    advice: fact.action ?? cause.advice,
    actions: [...cause.actions],
    examplePath: fact.examplePath,
    requestId: fact.requestId,
    nextTryAtMs: fact.nextTryAtMs,
    sinceMs: fact.sinceMs,
  };
}

/** Facts of one folder with the same code become one: counts add up, the newest speaks, the earliest try is named. */
export function mergeFacts(facts: readonly ProblemFact[]): ProblemFact[] {
  const byCode = new Map<string, ProblemFact>();
  for (const fact of facts) {
    const known = byCode.get(fact.code);
    if (known === undefined) {
      byCode.set(fact.code, fact);
      continue;
    }
    const newest = fact.sinceMs >= known.sinceMs ? fact : known;
    const tries = [known.nextTryAtMs, fact.nextTryAtMs].filter((at) => at !== null);
    byCode.set(fact.code, {
      ...newest,
      files: known.files + fact.files,
      examplePath: known.examplePath ?? fact.examplePath,
      nextTryAtMs: tries.length === 0 ? null : Math.min(...tries),
      sinceMs: Math.min(known.sinceMs, fact.sinceMs),
    });
  }
  return [...byCode.values()];
}

/** What needs a person comes first, then the worse tray state, then the larger group; stable between snapshots. */
export function sortGroups(groups: ProblemGroup[]): ProblemGroup[] {
  return groups.sort(
    (a, b) =>
      Number(a.kind === 'waiting') - Number(b.kind === 'waiting') ||
      badness(CAUSES[a.code].tray) - badness(CAUSES[b.code].tray) ||
      b.count - a.count ||
      (a.id < b.id ? -1 : 1),
  );
}

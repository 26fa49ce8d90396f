import { Button } from '@mantine/core';
import { Copy, RotateCw } from 'lucide-react';
import type { TrayState } from '../../../src/contract/problems.ts';
import type { ProblemGroup, StatusSnapshot } from '../../../src/contract/status.ts';
import { words } from '../../../src/contract/words.ts';
import { momentText } from '../../format.ts';
import { useCopy } from '../../parts/use-copy.ts';
import { allSaved, Verdict } from '../../parts/verdict.tsx';
import { useAct, useNow } from '../../state/window-context.tsx';
import { checkTime, texts } from '../../words.ts';
import { detailsText } from './problem-actions.ts';
import { ProblemRow } from './problem-row.tsx';

interface SectionProps {
  readonly title: string;
  readonly hint: string;
  readonly groups: readonly ProblemGroup[];
  readonly snapshot: StatusSnapshot;
  readonly nowMs: number;
}

function Section({ title, hint, groups, snapshot, nowMs }: SectionProps) {
  if (groups.length === 0) {
    return null;
  }
  // the first that needs a person and was refused by the server shows what it said: administrators ask for it first
  const told = groups.find((group) => group.kind === 'needs-you' && group.requestId !== null);
  return (
    <section className="problem-section">
      <div className="section-head">
        <h2>{title}</h2>
        <span className="small quieter">{hint}</span>
      </div>
      <ul className="card">
        {groups.map((group) => (
          <ProblemRow
            key={group.id}
            group={group}
            folders={snapshot.folders}
            nowMs={nowMs}
            unfolded={group === told}
          />
        ))}
      </ul>
    </section>
  );
}

/** What stands in the way, by cause: what needs a person apart from what heals by itself. */
export function ProblemsView({ snapshot }: { snapshot: StatusSnapshot }) {
  const nowMs = useNow();
  const { run } = useAct();
  const { copy, copied } = useCopy();
  const needs = snapshot.problems.filter((group) => group.kind === 'needs-you');
  const waiting = snapshot.problems.filter((group) => group.kind === 'waiting');
  const scans = snapshot.folders.flatMap((folder) => folder.lastScanAtMs ?? []);
  const lastCheckMs = scans.length === 0 ? null : Math.max(...scans);

  if (snapshot.problems.length === 0) {
    return (
      <Verdict
        tray={snapshot.tray}
        allSaved={allSaved(snapshot.bar)}
        sentence={texts.problems.none(checkTime(lastCheckMs, nowMs))}
        detail={texts.problems.noneText}
      />
    );
  }
  const tray: TrayState = needs.length === 0 ? 'syncing' : snapshot.tray === 'error' ? 'error' : 'attention';
  const sentence = needs.length === 0 ? texts.problems.onlyWaiting : words.problemsNeedYou(needs.length);
  const detail =
    needs.length === 0
      ? texts.problems.waitingText(waiting.length)
      : texts.problems.notKept(
          needs.reduce((sum, group) => sum + (group.examplePath === null ? 0 : group.count), 0),
        );
  const everything = () =>
    snapshot.problems.map((group) => detailsText(group, snapshot.folders, nowMs)).join('\n\n');
  return (
    <div className="problems">
      <Verdict tray={tray} sentence={sentence} detail={detail}>
        <Button leftSection={<Copy className="icon" aria-hidden="true" />} onClick={() => copy(everything())}>
          {copied ? texts.common.copied : texts.problems.copyAll}
        </Button>
        <Button
          leftSection={<RotateCw className="icon" aria-hidden="true" />}
          onClick={() => run('folders.retry', { folderId: null, problemId: null })}
        >
          {texts.problems.retryAll}
        </Button>
      </Verdict>
      <Section
        title={texts.problems.needs}
        hint={texts.problems.needsText}
        groups={needs}
        snapshot={snapshot}
        nowMs={nowMs}
      />
      <Section
        title={texts.problems.waiting}
        hint={texts.problems.waitingHint}
        groups={waiting}
        snapshot={snapshot}
        nowMs={nowMs}
      />
      {lastCheckMs !== null && (
        <p className="small quieter last-check">{texts.problems.lastCheck(momentText(lastCheckMs, nowMs))}</p>
      )}
    </div>
  );
}

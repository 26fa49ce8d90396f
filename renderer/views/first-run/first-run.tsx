import { Check, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { MiddleCut } from '../../parts/middle-cut.tsx';
import { TrayMark } from '../../parts/tray-mark.tsx';
import { folderPlace } from '../../state/places.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { SUGGESTED_RULES, texts } from '../../words.ts';
import { baseName, configOf, type Draft, type StepProps } from './draft.ts';
import { takeProposedFolder } from './proposed-folder.ts';
import { WhatStep } from './what-step.tsx';
import { WhereStep } from './where-step.tsx';
import { WhitherStep } from './whither-step.tsx';

type Step = 'where' | 'what' | 'whither';

const STEPS: Readonly<Record<FirstRunProps['steps'], readonly Step[]>> = {
  all: ['where', 'what', 'whither'],
  'sign-in': ['where'],
  'add-folder': ['what', 'whither'],
};

interface FirstRunProps {
  /** All of it at the first start; later one part of it. */
  readonly steps: 'all' | 'sign-in' | 'add-folder';
  readonly snapshot: StatusSnapshot;
  /** Called before signing in: the account that turns up from there on is this one's doing. */
  readonly onSignIn: () => void;
  readonly onDone: () => void;
}

function StepList({
  steps,
  at,
  done,
}: {
  steps: readonly Step[];
  at: number;
  done: Partial<Record<Step, string>>;
}) {
  return (
    <ol className="steps">
      {steps.map((step, index) => {
        const [name, text] = texts.firstRun.steps[step];
        return (
          <li key={step} className="step-item" aria-current={index === at ? 'step' : undefined}>
            <span className={index < at ? 'step-number is-done' : 'step-number'}>
              {index < at ? (
                <Check className="icon icon-small" aria-label={texts.firstRun.stepDone} />
              ) : (
                index + 1
              )}
            </span>
            <span className="step-text">
              <b>{name}</b>
              <span className="small quieter">
                <MiddleCut text={index < at ? (done[step] ?? text) : text} />
              </span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Where, what, whither: from nothing to the first folder being kept. */
export function FirstRun({ steps: which, snapshot, onSignIn, onDone }: FirstRunProps) {
  const { go } = useWindow();
  const { run } = useAct();
  const steps = STEPS[which];
  const [at, setAt] = useState(0);
  const [draft, setDraft] = useState<Draft>(() => ({
    diskPath: takeProposedFolder(),
    rules: SUGGESTED_RULES,
    projectUuid: null,
    collectionName: '',
    deletes: 'keep',
    replication: null,
    storageClass: null,
  }));
  const step = steps[at] ?? 'where';
  const leave = () => {
    onDone();
    go({ view: which === 'sign-in' ? 'settings' : 'overview' });
  };
  const finish = async () => {
    if (draft.diskPath === null) {
      leave();
      return;
    }
    const added = await run('folders.add', configOf(draft, draft.diskPath));
    if (added !== undefined) {
      onDone();
      go(which === 'all' ? { view: 'overview' } : folderPlace(added.id));
    }
  };
  const onNext = () => {
    if (at < steps.length - 1) {
      setAt(at + 1);
    } else if (which === 'sign-in') {
      leave();
    } else {
      void finish();
    }
  };
  const props: StepProps = {
    draft,
    onDraft: (change) => setDraft((before) => ({ ...before, ...change })),
    onNext,
    onBack: at > 0 ? () => setAt(at - 1) : which === 'all' ? null : leave,
  };
  const host = snapshot.account.local ? texts.nav.localCluster : (snapshot.account.host ?? '');
  return (
    <div className="frame">
      <nav className="nav setup" aria-label={texts.firstRun.setUp(at + 1, steps.length)}>
        <div className="brand">
          <TrayMark state="ready" size={22} />
          <span>{texts.app}</span>
        </div>
        {steps.length > 1 && (
          <p className="small quieter set-up">{texts.firstRun.setUp(at + 1, steps.length)}</p>
        )}
        <StepList steps={steps} at={at} done={{ where: host, what: baseName(draft.diskPath ?? '') }} />
        <p className="promise">
          <ShieldCheck className="icon" aria-hidden="true" />
          <span>{texts.firstRun.promise}</span>
        </p>
      </nav>
      {step === 'where' && <WhereStep {...props} onSignIn={onSignIn} />}
      {step === 'what' && <WhatStep {...props} />}
      {step === 'whither' && <WhitherStep {...props} />}
    </div>
  );
}

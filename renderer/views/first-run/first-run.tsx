import { Button } from '@mantine/core';
import { Check, ShieldCheck } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { FolderConfig } from '../../../src/contract/settings.ts';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { TrayMark } from '../../parts/tray-mark.tsx';
import { folderPlace } from '../../state/places.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { SUGGESTED_RULES, texts } from '../../words.ts';
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

export interface RuleRow {
  readonly patterns: readonly string[];
  readonly why: string;
  readonly on: boolean;
}

/** What the steps have gathered so far. */
export interface Draft {
  readonly diskPath: string | null;
  readonly rules: readonly RuleRow[];
  readonly projectUuid: string | null;
  readonly collectionName: string;
  readonly deletes: 'mirror' | 'keep';
  readonly replication: number | null;
  readonly storageClass: string | null;
}

export interface StepProps {
  readonly draft: Draft;
  readonly onDraft: (change: Partial<Draft>) => void;
  readonly onNext: () => void;
  readonly onBack: (() => void) | null;
}

interface FirstRunProps {
  /** All of it at the first start; later one part of it. */
  readonly steps: 'all' | 'sign-in' | 'add-folder';
  readonly snapshot: StatusSnapshot;
  readonly onDone: () => void;
}

/** The last part of a path of any system. */
export const baseName = (path: string): string => path.replace(/[\\/]+$/, '').replace(/^.*[\\/]/, '') || path;

function configOf(draft: Draft, diskPath: string): FolderConfig {
  const name = baseName(diskPath);
  return {
    roots: [{ diskPath, prefix: '' }],
    name,
    target: {
      collectionUuid: null,
      projectUuid: draft.projectUuid,
      collectionName: draft.collectionName.trim() === '' ? name : draft.collectionName.trim(),
      replication: draft.replication,
      storageClasses: draft.storageClass === null ? [] : [draft.storageClass],
    },
    deletes: draft.deletes,
    rules: {
      patterns: draft.rules.filter((rule) => rule.on).flatMap((rule) => rule.patterns),
      followLinks: false,
      allowUnreadableNames: false,
    },
    paused: false,
    pausedUntilMs: null,
  };
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
              <span className="small quieter">{index < at ? (done[step] ?? text) : text}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** The frame of every step: a title, its content, and the way on at the foot. */
export function StepPage(props: {
  title: string;
  text: string;
  note?: string;
  actions: ReactNode;
  children: ReactNode;
}) {
  const head = useRef<HTMLHeadingElement>(null);
  // a new step starts being read at its title
  useEffect(() => head.current?.focus({ preventScroll: true }), []);
  return (
    <main className="step-page">
      <h1 ref={head} tabIndex={-1}>
        {props.title}
      </h1>
      <p className="lead">{props.text}</p>
      <div className="step-content">{props.children}</div>
      <footer className="step-foot">
        <span className="grow small quieter">{props.note}</span>
        {props.actions}
      </footer>
    </main>
  );
}

/** Where, what, whither: from nothing to the first folder being kept. */
export function FirstRun({ steps: which, snapshot, onDone }: FirstRunProps) {
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
        <StepList steps={steps} at={at} done={{ where: host, what: draft.diskPath ?? '' }} />
        <p className="promise">
          <ShieldCheck className="icon" aria-hidden="true" />
          <span>{texts.firstRun.promise}</span>
        </p>
      </nav>
      {step === 'where' && <WhereStep {...props} />}
      {step === 'what' && <WhatStep {...props} />}
      {step === 'whither' && <WhitherStep {...props} />}
    </div>
  );
}

/** Back and the way on. */
export function StepButtons(props: {
  onBack: (() => void) | null;
  next: string;
  onNext: () => void;
  ready: boolean;
  icon?: ReactNode;
  busy?: boolean;
}) {
  return (
    <>
      {props.onBack !== null && <Button onClick={props.onBack}>{texts.common.back}</Button>}
      <Button
        variant="filled"
        onClick={props.onNext}
        disabled={!props.ready}
        loading={props.busy === true}
        leftSection={props.icon}
      >
        {props.next}
      </Button>
    </>
  );
}

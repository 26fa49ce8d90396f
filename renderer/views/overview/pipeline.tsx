import { Check, Clock, ShieldCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Pipeline, ProblemGroup, StatusSnapshot } from '../../../src/contract/status.ts';
import { sizeText, stageWords } from '../../../src/contract/words.ts';
import { momentText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { useNow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';

const STEPS = ['filling', 'uploading', 'stored', 'saved'] as const;
type Step = (typeof STEPS)[number];

type TwoLines = readonly [string, string];

function Lines({ lines }: { lines: TwoLines }) {
  return (
    <span>
      {lines[0]},<br />
      {lines[1]}
    </span>
  );
}

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function greatest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** What has yet to be read, and what cannot be read yet: it feeds Filling. */
function Waiting({ snapshot }: { snapshot: StatusSnapshot }) {
  const { bytes, files } = snapshot.bar.waiting;
  if (bytes === 0 && files === 0) {
    return (
      <div className="side quieter">
        <Glyph stage="waiting" />
        <Lines lines={texts.pipeline.nothingWaits} />
      </div>
    );
  }
  const writing = snapshot.problems
    .filter((group) => group.code === 'FILE_CHANGED')
    .reduce((sum, group) => sum + group.count, 0);
  return (
    <div className="side">
      <i className="wire wire-feed" aria-hidden="true" />
      <Glyph stage="waiting" />
      <Lines
        lines={[
          texts.pipeline.waits(bytes),
          writing > 0 ? texts.pipeline.beingWritten(writing) : texts.pipeline.otherWaiting(files),
        ]}
      />
    </div>
  );
}

function nextTry(problems: readonly ProblemGroup[], nowMs: number): string {
  const at = least(problems.filter((group) => group.kind === 'waiting').map((group) => group.nextTryAtMs));
  return at === null ? texts.pipeline.waitsForYou : texts.pipeline.again(Math.round((at - nowMs) / 1000));
}

/** What failed goes back to Uploading; the loop is drawn only when there is something in it. */
function Failed({ snapshot, nowMs }: { snapshot: StatusSnapshot; nowMs: number }) {
  const { blocks, bytes } = snapshot.pipeline.failed;
  if (blocks === 0) {
    return (
      <div className="side quieter">
        <Check className="icon" aria-hidden="true" />
        <Lines lines={texts.pipeline.nothingFailed} />
      </div>
    );
  }
  return (
    <div className="side is-looped">
      <i className="wire wire-back" aria-hidden="true" />
      <i className="wire wire-out" aria-hidden="true" />
      <Glyph stage="failed" />
      <Lines lines={[texts.pipeline.failed(blocks, bytes), nextTry(snapshot.problems, nowMs)]} />
    </div>
  );
}

function NextSave({ snapshot, nowMs }: { snapshot: StatusSnapshot; nowMs: number }) {
  const at = least(snapshot.folders.map((folder) => folder.nextSaveAtMs));
  const lines: TwoLines =
    snapshot.pipeline.stored.bytes === 0
      ? texts.pipeline.changeSaves
      : [
          texts.pipeline.nextSave,
          at === null ? texts.pipeline.nextSaveSoon : texts.pipeline.nextSaveAt(momentText(at, nowMs)),
        ];
  return (
    <div className={snapshot.pipeline.stored.bytes === 0 ? 'side quieter' : 'side'}>
      <Clock className="icon" aria-hidden="true" />
      <Lines lines={lines} />
    </div>
  );
}

function LastSave({ snapshot, nowMs }: { snapshot: StatusSnapshot; nowMs: number }) {
  const at = greatest(snapshot.folders.map((folder) => folder.lastSaveAtMs));
  const collections = new Set(snapshot.folders.flatMap((folder) => folder.collectionUuid ?? [])).size;
  return (
    <div className="side">
      <ShieldCheck className="icon" aria-hidden="true" />
      <Lines
        lines={
          at === null
            ? texts.pipeline.nothingSaved
            : [texts.pipeline.collections(collections), texts.pipeline.lastSave(momentText(at, nowMs))]
        }
      />
    </div>
  );
}

function percentSaved(snapshot: StatusSnapshot): number {
  const all = Object.values(snapshot.bar).reduce((sum, amount) => sum + amount.bytes, 0);
  return all === 0 ? 100 : Math.floor((snapshot.bar.saved.bytes / all) * 100);
}

function subline(step: Step, pipeline: Pipeline, snapshot: StatusSnapshot, nowMs: number): string {
  const { blocks, oldestAtMs } = pipeline[step];
  if (blocks === 0) {
    return texts.pipeline.noBlocks;
  }
  return step === 'saved'
    ? texts.pipeline.savedBlocks(blocks, percentSaved(snapshot))
    : texts.pipeline.blocks(blocks, oldestAtMs === null ? null : nowMs - oldestAtMs);
}

/** On this computer → on the way → on the cluster, can still be lost → the safe line → safe. */
export function PipelinePicture({ snapshot }: { snapshot: StatusSnapshot }) {
  const nowMs = useNow();
  const sides: Record<Step, ReactNode> = {
    filling: <Waiting snapshot={snapshot} />,
    uploading: <Failed snapshot={snapshot} nowMs={nowMs} />,
    stored: <NextSave snapshot={snapshot} nowMs={nowMs} />,
    saved: <LastSave snapshot={snapshot} nowMs={nowMs} />,
  };
  return (
    <section className="card pipeline" aria-label={texts.pipeline.label}>
      <ol>
        {STEPS.map((step) => {
          const { bytes, blocks } = snapshot.pipeline[step];
          const idle = bytes === 0 && blocks === 0;
          return (
            <li key={step} className={`step step-${step}`}>
              <div className="where">{texts.pipeline.where[step]}</div>
              <h2 className={idle ? 'head idle' : 'head'}>
                <Glyph stage={step} size={28} />
                {stageWords[step]}
                {step !== 'saved' && <i className="arrow" aria-hidden="true" />}
              </h2>
              <div className={idle ? 'amount idle' : 'amount'}>{idle ? '0' : sizeText(bytes)}</div>
              <div className="sub">{subline(step, snapshot.pipeline, snapshot, nowMs)}</div>
              {sides[step]}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

import { Button, NativeSelect, NumberInput, TextInput } from '@mantine/core';
import { Folder, Lock, RotateCw, Upload, User } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Project, ShellOutput } from '../../../src/contract/shell.ts';
import { stageWords, words } from '../../../src/contract/words.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { usePreview } from '../../state/use-preview.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { baseName, choicesOf, type StepProps } from './draft.ts';
import { StepButtons, StepPage } from './step-page.tsx';

const whither = texts.firstRun.whither;

const HOME: Project = { uuid: null, name: 'Home', parentUuid: null, writable: true, collections: null };

function depthOf(project: Project, projects: readonly Project[]): number {
  const parent = projects.find((each) => each.uuid !== null && each.uuid === project.parentUuid);
  return parent === undefined ? 0 : 1 + depthOf(parent, projects);
}

function ProjectList({
  chosen,
  onChoose,
}: {
  chosen: string | null;
  onChoose: (uuid: string | null) => void;
}) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [projects, setProjects] = useState<readonly Project[]>([HOME]);
  const list = bridge.shell.listProjects;
  useEffect(() => {
    void attempt(list?.({})).then((found) => found !== undefined && found.length > 0 && setProjects(found));
  }, [attempt, list]);
  return (
    <fieldset className="projects-field">
      <legend>{whither.project}</legend>
      <div className="card projects">
        {projects.map((project) => {
          const Icon = project.uuid === null ? User : project.writable ? Folder : Lock;
          const note = !project.writable
            ? whither.readOnly
            : project.uuid === null
              ? whither.home
              : project.collections === null
                ? ''
                : whither.collections(project.collections);
          return (
            <label
              key={project.uuid ?? 'home'}
              className="project"
              style={{ paddingInlineStart: `${1 + 1.25 * depthOf(project, projects)}rem` }}
            >
              <input
                type="radio"
                name="project"
                className="visually-hidden"
                disabled={!project.writable}
                checked={chosen === project.uuid}
                onChange={() => onChoose(project.uuid)}
              />
              <Icon className="icon" aria-hidden="true" />
              <span className="grow cut">{project.name}</span>
              <span className="small quieter">{note}</span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}

function DeletesChoice({
  deletes,
  onDeletes,
}: {
  deletes: 'mirror' | 'keep';
  onDeletes: (deletes: 'mirror' | 'keep') => void;
}) {
  return (
    <div>
      <div className="label" id="deletes-label">
        {whither.deletes}
      </div>
      <fieldset className="segments wide" aria-labelledby="deletes-label">
        <button type="button" aria-pressed={deletes === 'keep'} onClick={() => onDeletes('keep')}>
          {whither.keep}
        </button>
        <button type="button" aria-pressed={deletes === 'mirror'} onClick={() => onDeletes('mirror')}>
          {whither.mirror}
        </button>
      </fieldset>
      <p className="small quieter under">{whither.deletesText}</p>
    </div>
  );
}

/** Copies and storage class, where the shell knows what the cluster offers. */
function StorageFields({ draft, onDraft }: Pick<StepProps, 'draft' | 'onDraft'>) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [offered, setOffered] = useState<ShellOutput<'storage'> | null>(null);
  const ask = bridge.shell.storage;
  useEffect(() => {
    void attempt(ask?.({})).then((answer) => setOffered(answer ?? null));
  }, [attempt, ask]);
  if (offered === null) {
    return null;
  }
  return (
    <div className="pair">
      <NumberInput
        label={whither.copies}
        description={whither.copiesText(offered.replication)}
        inputWrapperOrder={['label', 'input', 'description']}
        min={1}
        max={10}
        value={draft.replication ?? offered.replication}
        onChange={(value) =>
          onDraft({ replication: typeof value !== 'number' || value === offered.replication ? null : value })
        }
      />
      <NativeSelect
        label={whither.classes}
        value={draft.storageClass ?? ''}
        onChange={(event) =>
          onDraft({ storageClass: event.currentTarget.value === '' ? null : event.currentTarget.value })
        }
        data={[
          { value: '', label: whither.classDefault },
          ...offered.classes.map((name) => ({ value: name, label: name })),
        ]}
      />
    </div>
  );
}

const SHOWN_STAGES = ['filling', 'uploading', 'stored', 'saved'] as const;

/** Which collection in which project; and how to read the window from now on. */
export function WhitherStep({ draft, onDraft, onNext, onBack }: StepProps) {
  const [round, setRound] = useState(0);
  const { preview } = usePreview(draft.diskPath, choicesOf(draft.rules), round);
  return (
    <StepPage
      title={whither.title}
      text={whither.text}
      note={whither.later}
      actions={
        <StepButtons
          onBack={onBack}
          next={whither.start}
          onNext={onNext}
          ready={draft.diskPath !== null}
          icon={<Upload className="icon" aria-hidden="true" />}
        />
      }
    >
      <div className="two-columns even">
        <ProjectList chosen={draft.projectUuid} onChoose={(projectUuid) => onDraft({ projectUuid })} />
        <div className="fields">
          <TextInput
            label={whither.collection}
            placeholder={draft.diskPath === null ? '' : baseName(draft.diskPath)}
            maxLength={255}
            value={draft.collectionName}
            onChange={(event) => onDraft({ collectionName: event.currentTarget.value })}
          />
          <DeletesChoice deletes={draft.deletes} onDeletes={(deletes) => onDraft({ deletes })} />
          <StorageFields draft={draft} onDraft={onDraft} />
        </div>
      </div>
      {preview !== null && (
        <div className="card count-card">
          <div className="grow" aria-live="polite">
            <div className="count">{words.dryRun(preview.files, preview.bytes, preview.blocks)}</div>
            <div className="small quiet">
              {preview.complete ? whither.dryRun : texts.firstRun.what.counting}
            </div>
          </div>
          <Button
            size="xs"
            leftSection={<RotateCw className="icon icon-small" aria-hidden="true" />}
            onClick={() => setRound(round + 1)}
          >
            {whither.again}
          </Button>
        </div>
      )}
      <h2 className="legend-head">{whither.legend}</h2>
      <ul className="stage-legend">
        {SHOWN_STAGES.map((stage) => (
          <li key={stage}>
            <Glyph stage={stage} size={20} />
            <span>
              <b>{stageWords[stage]}</b>
              <span className="small quiet">{whither.stage[stage]}</span>
            </span>
          </li>
        ))}
      </ul>
    </StepPage>
  );
}

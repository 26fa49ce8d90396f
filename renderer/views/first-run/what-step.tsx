import { Button, Switch, TextInput } from '@mantine/core';
import { FolderOpen, Plus } from 'lucide-react';
import { useState } from 'react';
import type { Preview } from '../../../src/contract/shell.ts';
import { agoText, countText, sizeText } from '../../../src/contract/words.ts';
import { DropTarget } from '../../parts/drop-target.tsx';
import { PatternForm } from '../../parts/pattern-form.tsx';
import { usePreview } from '../../state/use-preview.ts';
import { useAct, useNow, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { choicesOf, type RuleRow, type StepProps } from './draft.ts';
import { StepButtons, StepPage } from './step-page.tsx';

const what = texts.firstRun.what;

function FolderRow({
  diskPath,
  preview,
  onPath,
}: {
  diskPath: string | null;
  preview: Preview | null;
  onPath: (path: string) => void;
}) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const nowMs = useNow();
  const [typed, setTyped] = useState(diskPath ?? '');
  const choose = bridge.shell.chooseFolder;
  if (choose === undefined) {
    return (
      <form
        className="typed-path"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') {
            onPath(typed.trim());
          }
        }}
      >
        <TextInput
          label={what.path}
          description={what.pathHint}
          inputWrapperOrder={['label', 'input', 'description']}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button type="submit">{what.usePath}</Button>
      </form>
    );
  }
  const counted =
    preview === null
      ? ''
      : preview.complete
        ? what.counted(agoText(preview.countedAtMs, nowMs))
        : what.counting;
  return (
    <DropTarget className="drop-row" onFolder={onPath}>
      <FolderOpen className="icon drop-icon" aria-hidden="true" />
      <div className="grow">
        <b className="cut">
          {diskPath ?? (bridge.shell.acceptDrop === undefined ? texts.overview.chooseTitle : what.none)}
        </b>
        <div className="small quiet">{diskPath === null ? what.noneText : counted}</div>
      </div>
      <Button
        variant={diskPath === null ? 'filled' : 'default'}
        onClick={() =>
          void attempt(choose({})).then((path) => path !== null && path !== undefined && onPath(path))
        }
      >
        {diskPath === null ? what.choose : what.another}
      </Button>
    </DropTarget>
  );
}

function AddPattern({ onAdd }: { onAdd: (pattern: string) => void }) {
  const [adding, setAdding] = useState(false);
  if (!adding) {
    return (
      <Button
        size="xs"
        leftSection={<Plus className="icon icon-small" aria-hidden="true" />}
        onClick={() => setAdding(true)}
      >
        {texts.rules.add}
      </Button>
    );
  }
  return <PatternForm autoFocus onAdd={onAdd} onDone={() => setAdding(false)} />;
}

function RulesTable({
  rules,
  preview,
  onRules,
}: {
  rules: readonly RuleRow[];
  preview: Preview | null;
  onRules: (rules: readonly RuleRow[]) => void;
}) {
  const countOf = (rule: RuleRow) => {
    const found = preview?.rules.filter((count) => rule.patterns.includes(count.pattern)) ?? [];
    return {
      files: found.reduce((sum, count) => sum + count.files, 0),
      bytes: found.reduce((sum, count) => sum + count.bytes, 0),
    };
  };
  return (
    <table className="plain-table rule-choices">
      <thead>
        <tr>
          <th>
            <span className="visually-hidden">{texts.rules.title}</span>
          </th>
          <th>{texts.rules.pattern}</th>
          <th>{texts.rules.why}</th>
          <th className="num">{texts.rules.files}</th>
          <th className="num">{texts.rules.bytes}</th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => {
          const label = rule.patterns.join(', ');
          const { files, bytes } = countOf(rule);
          return (
            <tr key={label}>
              <td>
                <Switch
                  aria-label={label}
                  checked={rule.on}
                  onChange={(event) => {
                    const on = event.currentTarget.checked;
                    onRules(rules.map((each) => (each === rule ? { ...each, on } : each)));
                  }}
                />
              </td>
              <td className="mono">{label}</td>
              <td className="quiet">{rule.why}</td>
              <td className="num">{preview === null ? texts.common.none : countText(files)}</td>
              <td className="num">{preview === null ? texts.common.none : sizeText(bytes)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Which folder, and what of it stays here. */
export function WhatStep({ draft, onDraft, onNext, onBack }: StepProps) {
  const { preview, failure } = usePreview(draft.diskPath, choicesOf(draft.rules));
  return (
    <StepPage
      title={what.title}
      text={what.text}
      actions={
        <StepButtons
          onBack={onBack}
          next={texts.common.continue}
          onNext={onNext}
          ready={draft.diskPath !== null}
        />
      }
    >
      <FolderRow diskPath={draft.diskPath} preview={preview} onPath={(diskPath) => onDraft({ diskPath })} />
      {failure !== null && <p className="need">{failure.message}</p>}
      <div className="row left-out-head">
        <h2 className="grow">{texts.rules.title}</h2>
        <AddPattern
          onAdd={(pattern) =>
            onDraft({ rules: [...draft.rules, { patterns: [pattern], why: '', on: true }] })
          }
        />
      </div>
      <RulesTable rules={draft.rules} preview={preview} onRules={(rules) => onDraft({ rules })} />
      {preview !== null && (
        <div className="card count-card" aria-live="polite">
          <div>
            <div className="count">{texts.rules.kept(preview.files, preview.bytes)}</div>
            <div className="small quiet">{texts.rules.areKept}</div>
          </div>
          <div className="quiet">
            <div className="count">{texts.rules.kept(preview.leftOutFiles, preview.leftOutBytes)}</div>
            <div className="small">{texts.rules.areLeftOut}</div>
          </div>
        </div>
      )}
    </StepPage>
  );
}

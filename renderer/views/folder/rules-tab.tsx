import { ActionIcon, Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Plus, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { FolderConfig } from '../../../src/contract/settings.ts';
import type { Preview } from '../../../src/contract/shell.ts';
import type { FolderStatus } from '../../../src/contract/status.ts';
import { countText, sizeText } from '../../../src/contract/words.ts';
import { PatternForm } from '../../parts/pattern-form.tsx';
import { usePreview } from '../../state/use-preview.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';

type Rules = FolderConfig['rules'];

function PatternTable(props: {
  patterns: readonly string[];
  preview: Preview | null;
  onRemove: (pattern: string) => void;
}) {
  const { patterns, preview, onRemove } = props;
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th>{texts.rules.pattern}</th>
          <th className="num">{texts.rules.files}</th>
          <th className="num">{texts.rules.bytes}</th>
          <th>{texts.rules.example}</th>
          <th>
            <span className="visually-hidden">{texts.common.more}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {patterns.map((pattern) => {
          const count = preview?.rules.find((rule) => rule.pattern === pattern);
          return (
            <tr key={pattern}>
              <td className="mono">{pattern}</td>
              <td className="num">{count === undefined ? texts.common.none : countText(count.files)}</td>
              <td className="num">{count === undefined ? texts.common.none : sizeText(count.bytes)}</td>
              <td className="mono quiet cut">{count?.examplePath ?? texts.common.none}</td>
              <td className="num">
                <ActionIcon aria-label={texts.rules.remove(pattern)} onClick={() => onRemove(pattern)}>
                  <X className="icon icon-small" aria-hidden="true" />
                </ActionIcon>
              </td>
            </tr>
          );
        })}
        {patterns.length === 0 && (
          <tr>
            <td colSpan={5} className="quiet">
              {texts.rules.none}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

/** Asks the owner which rule leaves a path out. */
function PathTest({ folderId }: { folderId: string }) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [path, setPath] = useState('');
  const [wanted] = useDebouncedValue(path.trim(), 200);
  const [answer, setAnswer] = useState<string>('');
  const test = bridge.shell.testPath;
  useEffect(() => {
    if (wanted === '' || test === undefined) {
      setAnswer('');
      return;
    }
    void attempt(test({ folderId, path: wanted })).then((found) => {
      if (found !== undefined) {
        setAnswer(found.pattern === null ? texts.rules.testKept : texts.rules.testOut(found.pattern));
      }
    });
  }, [attempt, folderId, test, wanted]);
  if (test === undefined) {
    return null;
  }
  return (
    <div className="path-test">
      <TextInput
        size="xs"
        label={texts.rules.test}
        placeholder={texts.rules.testHint}
        value={path}
        onChange={(event) => setPath(event.currentTarget.value)}
      />
      <output className="small quiet">{answer}</output>
    </div>
  );
}

const leftOut = ({ leftOutFiles, leftOutBytes }: Preview): string =>
  leftOutFiles === 0
    ? texts.rules.nothingLeftOut
    : `${texts.rules.kept(leftOutFiles, leftOutBytes)} ${texts.rules.areLeftOut}`;

function Editor({
  folder,
  config,
  onChange,
}: {
  folder: FolderStatus;
  config: FolderConfig;
  onChange: (rules: Rules) => void;
}) {
  const { rules } = config;
  const { preview } = usePreview(
    config.roots[0]?.diskPath ?? null,
    rules.patterns.map((pattern) => ({ pattern, on: true })),
  );
  const set = (change: Partial<Rules>) => onChange({ ...rules, ...change });
  return (
    <div className="rules">
      <div className="row">
        <div className="grow">
          <h2>{texts.rules.title}</h2>
          <p className="small quieter">{texts.rules.intro}</p>
        </div>
        <PatternForm
          icon={<Plus className="icon icon-small" aria-hidden="true" />}
          onAdd={(pattern) =>
            set({ patterns: [...rules.patterns.filter((each) => each !== pattern), pattern] })
          }
        />
      </div>
      <PatternTable
        patterns={rules.patterns}
        preview={preview}
        onRemove={(pattern) => set({ patterns: rules.patterns.filter((each) => each !== pattern) })}
      />
      <p className="small quiet" aria-live="polite">
        {preview === null
          ? texts.rules.ignored(folder.ignored)
          : `${texts.rules.kept(preview.files, preview.bytes)} ${texts.rules.areKept}, ${leftOut(preview)}.`}
        {preview?.complete === false && ` ${texts.rules.counting}`}
      </p>
      <PathTest folderId={folder.id} />
      <div className="switches">
        <Switch
          label={texts.rules.followLinks}
          description={texts.rules.followLinksText}
          checked={rules.followLinks}
          onChange={(event) => set({ followLinks: event.currentTarget.checked })}
        />
        <Switch
          label={texts.rules.unreadable}
          description={texts.rules.unreadableText}
          checked={rules.allowUnreadableNames}
          onChange={(event) => set({ allowUnreadableNames: event.currentTarget.checked })}
        />
      </div>
    </div>
  );
}

/** What is left out of this folder, by which rule, and how much that is. */
export function RulesTab({ folder }: { folder: FolderStatus }) {
  const { run } = useAct();
  const [config, setConfig] = useState<FolderConfig | null>(null);
  const folderId = folder.id;
  useEffect(() => {
    void run('folders.get', { folderId }).then((answer) => setConfig(answer?.config ?? null));
  }, [run, folderId]);
  if (config === null) {
    return <p className="empty-note">{texts.common.loading}</p>;
  }
  const change = (rules: Rules) => {
    const before = config;
    setConfig({ ...config, rules });
    void run('folders.set', { folderId, change: { rules } }).then((answer) => {
      if (answer === undefined) {
        setConfig(before);
      }
    });
  };
  return <Editor folder={folder} config={config} onChange={change} />;
}

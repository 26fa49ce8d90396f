import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Search } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { type FileRow, type FolderStatus, STAGES, type Stage } from '../../../src/contract/status.ts';
import { countText, sizeText, stageWords } from '../../../src/contract/words.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { type Column, VirtualGrid } from '../../parts/virtual-grid.tsx';
import { usePages } from '../../state/use-pages.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { FilePath } from './file-path.tsx';

const SEARCH_AFTER_MS = 200;

const COLUMNS: readonly Column<FileRow>[] = [
  {
    key: 'state',
    title: texts.files.state,
    width: '6.25rem',
    render: (row) => (
      <span className="with-glyph">
        <Glyph stage={row.stage} />
        {stageWords[row.stage]}
      </span>
    ),
  },
  {
    key: 'file',
    title: texts.files.file,
    width: 'minmax(8rem, 1.5fr)',
    render: (row) => <FilePath path={row.path} />,
  },
  {
    key: 'size',
    title: texts.files.size,
    width: '5rem',
    align: 'end',
    render: (row) => sizeText(row.sizeBytes),
  },
  {
    key: 'reason',
    title: texts.files.reason,
    width: 'minmax(8rem, 1.2fr)',
    render: (row) => {
      const reason = row.reason ?? texts.files.usual[row.stage];
      return (
        <span className="quiet" title={reason}>
          {reason}
        </span>
      );
    },
  },
];

/** Worst first: what asks for a look stands at the left. */
const CHIP_ORDER: readonly Stage[] = ['failed', 'waiting', 'filling', 'uploading', 'stored', 'saved'];

function StageChips(props: {
  folder: FolderStatus;
  chosen: Stage | null;
  onChoose: (stage: Stage | null) => void;
}) {
  const { folder, chosen, onChoose } = props;
  const all = STAGES.reduce((sum, stage) => sum + folder.bar[stage].files, 0);
  return (
    <fieldset className="chips">
      <legend className="visually-hidden">{texts.files.filter}</legend>
      <button type="button" className="chip" aria-pressed={chosen === null} onClick={() => onChoose(null)}>
        {texts.files.all(all)}
      </button>
      {CHIP_ORDER.filter((stage) => folder.bar[stage].files > 0 || stage === chosen).map((stage) => (
        <button
          key={stage}
          type="button"
          className="chip"
          aria-pressed={chosen === stage}
          onClick={() => onChoose(chosen === stage ? null : stage)}
        >
          <Glyph stage={stage} size={14} />
          {stageWords[stage]} {countText(folder.bar[stage].files)}
        </button>
      ))}
    </fieldset>
  );
}

/** Every file with its state, size and reason; searched and filtered by the owner, so any number of them. */
export function FilesTab(props: { folder: FolderStatus; revision: number; search: string }) {
  const { folder, revision } = props;
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [typed, setTyped] = useState(props.search);
  const [search] = useDebouncedValue(typed, SEARCH_AFTER_MS);
  const [stage, setStage] = useState<Stage | null>(null);
  const folderId = folder.id;
  const load = useCallback(
    (offset: number, limit: number) =>
      bridge.run('files.list', { folderId, search, stages: stage === null ? [] : [stage], offset, limit }),
    [bridge, folderId, search, stage],
  );
  const pages = usePages(load, revision);
  const all = STAGES.reduce((sum, each) => sum + folder.bar[each].files, 0);
  const show = bridge.shell.showFile;
  const onOpen = useMemo(
    () =>
      show === undefined ? undefined : (row: FileRow) => void attempt(show({ folderId, path: row.path })),
    [show, attempt, folderId],
  );
  return (
    <>
      <div className="tools">
        <TextInput
          className="search"
          size="xs"
          type="search"
          leftSection={<Search className="icon icon-small" aria-hidden="true" />}
          placeholder={texts.files.search(all)}
          aria-label={texts.files.search(all)}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <StageChips folder={folder} chosen={stage} onChoose={setStage} />
      </div>
      <VirtualGrid
        label={texts.files.label}
        columns={COLUMNS}
        count={pages.total ?? 0}
        rowAt={pages.rowAt}
        onVisible={pages.onVisible}
        {...(onOpen === undefined ? {} : { onOpen })}
        empty={pages.total === null ? texts.common.loading : all === 0 ? texts.files.empty : texts.files.none}
      />
    </>
  );
}

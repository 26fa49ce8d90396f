import { Button, Modal, Textarea } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import type { FileRow, ProblemGroup } from '../../../src/contract/status.ts';
import { sizeText } from '../../../src/contract/words.ts';
import { type Column, VirtualGrid } from '../../parts/virtual-grid.tsx';
import { usePages } from '../../state/use-pages.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { FilePath } from '../folder/file-path.tsx';
import { patternForPath } from './problem-actions.ts';

/** So many files of a group are proposed as patterns; for more, a person writes a shorter one. */
const PROPOSED_MAX = 20;

interface DialogProps {
  readonly group: ProblemGroup;
  readonly onClose: () => void;
}

const COLUMNS: readonly Column<FileRow>[] = [
  {
    key: 'file',
    title: texts.files.file,
    width: 'minmax(0, 2fr)',
    render: (row) => <FilePath path={row.path} />,
  },
  {
    key: 'size',
    title: texts.files.size,
    width: '5rem',
    align: 'end',
    render: (row) => sizeText(row.sizeBytes),
  },
  { key: 'reason', title: texts.files.reason, width: 'minmax(0, 1.4fr)', render: (row) => row.reason ?? '' },
];

/** Every file of a group. */
export function FilesDialog({ group, onClose }: DialogProps) {
  const { bridge } = useWindow();
  const problemId = group.id;
  const load = useCallback(
    (offset: number, limit: number) => bridge.run('problems.files', { problemId, offset, limit }),
    [bridge, problemId],
  );
  const pages = usePages(load, 0);
  return (
    <Modal
      opened
      size="48rem"
      onClose={onClose}
      title={group.title}
      closeButtonProps={{ 'aria-label': texts.common.close }}
    >
      <div className="dialog-grid">
        <VirtualGrid
          label={texts.files.label}
          columns={COLUMNS}
          count={pages.total ?? 0}
          rowAt={pages.rowAt}
          onVisible={pages.onVisible}
          empty={pages.total === null ? texts.common.loading : texts.files.none}
        />
      </div>
    </Modal>
  );
}

/** Adds ignore patterns for what a group is about, after a person has read and perhaps shortened them. */
export function ExcludeDialog({ group, onClose }: DialogProps) {
  const { run } = useAct();
  const [patterns, setPatterns] = useState('');
  const { id: problemId, folderId, count } = group;
  useEffect(() => {
    void run('problems.files', { problemId, limit: PROPOSED_MAX }).then((page) => {
      setPatterns((page?.rows ?? []).map((row) => patternForPath(row.path)).join('\n'));
    });
  }, [run, problemId]);
  const exclude = async () => {
    onClose();
    const wanted = patterns.split('\n').filter((pattern) => pattern.trim() !== '');
    const current = folderId === null ? undefined : await run('folders.get', { folderId });
    if (folderId !== null && current !== undefined && wanted.length > 0) {
      const { rules } = current.config;
      await run('folders.set', {
        folderId,
        change: { rules: { ...rules, patterns: [...new Set([...rules.patterns, ...wanted])] } },
      });
    }
  };
  return (
    <Modal
      opened
      size="36rem"
      onClose={onClose}
      title={texts.problems.excludeTitle}
      closeButtonProps={{ 'aria-label': texts.common.close }}
    >
      <p className="quiet">{texts.problems.excludeText}</p>
      <Textarea
        className="patterns"
        aria-label={texts.problems.excludePatterns}
        {...(count > PROPOSED_MAX ? { description: texts.problems.excludeMore(PROPOSED_MAX) } : {})}
        inputWrapperOrder={['input', 'description']}
        value={patterns}
        onChange={(event) => setPatterns(event.currentTarget.value)}
        rows={8}
        data-autofocus
      />
      <div className="modal-actions">
        <Button onClick={onClose}>{texts.common.cancel}</Button>
        <Button variant="filled" onClick={exclude} disabled={patterns.trim() === ''}>
          {texts.problems.excludeDo}
        </Button>
      </div>
    </Modal>
  );
}

/** A question before something that cannot be taken back easily. */
export function AskDialog(props: {
  title: string;
  text: string;
  action: string;
  onYes: () => void;
  onClose: () => void;
}) {
  const { title, text, action, onYes, onClose } = props;
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': texts.common.close }}>
      <p className="quiet">{text}</p>
      <div className="modal-actions">
        <Button onClick={onClose} data-autofocus>
          {texts.common.cancel}
        </Button>
        <Button
          variant="filled"
          onClick={() => {
            onClose();
            onYes();
          }}
        >
          {action}
        </Button>
      </div>
    </Modal>
  );
}

import { useCallback } from 'react';
import type { FolderStatus, SaveRow } from '../../../src/contract/status.ts';
import { countText, sizeText } from '../../../src/contract/words.ts';
import { momentText } from '../../format.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { type Column, VirtualGrid } from '../../parts/virtual-grid.tsx';
import { usePages } from '../../state/use-pages.ts';
import { useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';

const COLUMNS: readonly Column<SaveRow>[] = [
  {
    key: 'when',
    title: texts.history.when,
    width: '9rem',
    render: (row) => (
      <span className="with-glyph">
        <Glyph stage="saved" />
        {momentText(row.atMs, Date.now())}
      </span>
    ),
  },
  {
    key: 'files',
    title: texts.history.files,
    width: '5.5rem',
    align: 'end',
    render: (row) => countText(row.files),
  },
  {
    key: 'bytes',
    title: texts.history.bytes,
    width: '5.5rem',
    align: 'end',
    render: (row) => sizeText(row.bytes),
  },
  {
    key: 'deleted',
    title: texts.history.deleted,
    width: '5rem',
    align: 'end',
    render: (row) => (row.deleted === 0 ? texts.common.none : countText(row.deleted)),
  },
  {
    key: 'version',
    title: texts.history.version,
    width: '4.5rem',
    align: 'end',
    render: (row) => (row.version === null ? texts.common.none : countText(row.version)),
  },
  {
    key: 'pdh',
    title: texts.history.pdh,
    width: 'minmax(10rem, 1fr)',
    render: (row) => (
      <span className="row">
        <span className="mono cut quiet">{row.portableDataHash}</span>
        <CopyButton text={row.portableDataHash} label={texts.folder.copyPdh} />
      </span>
    ),
  },
];

/** The most that the contract lets us ask for: a save a minute for two weeks. Saves come without their number. */
const SAVES_MAX = 20_000;

/** Every save of this folder, newest first. */
export function HistoryTab({ folder }: { folder: FolderStatus }) {
  const { bridge } = useWindow();
  const folderId = folder.id;
  const load = useCallback(
    async (offset: number, limit: number) => {
      const rows = await bridge.run('saves.list', { folderId, offset: 0, limit: SAVES_MAX });
      return { total: rows.length, rows: rows.slice(offset, offset + limit) };
    },
    [bridge, folderId],
  );
  const pages = usePages(load, folder.lastSaveAtMs ?? 0);
  return (
    <div className="tab-body">
      <VirtualGrid
        label={texts.history.label}
        columns={COLUMNS}
        count={pages.total ?? 0}
        rowAt={pages.rowAt}
        onVisible={pages.onVisible}
        empty={pages.total === null ? texts.common.loading : texts.history.empty}
      />
    </div>
  );
}

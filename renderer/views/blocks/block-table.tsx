import { useMemo } from 'react';
import { type BlockRow, STAGES, type Stage } from '../../../src/contract/status.ts';
import { countText, sizeText, stageWords } from '../../../src/contract/words.ts';
import { momentText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { type Column, VirtualGrid } from '../../parts/virtual-grid.tsx';
import { texts } from '../../words.ts';
import type { BlockList } from './block-list.ts';
import { stageRank } from './cell-model.ts';

interface NumberedRow {
  readonly number: number;
  readonly row: BlockRow;
}

const LOCATOR_HEAD = 8;

const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function happening(row: BlockRow): string {
  if (row.error !== null) {
    return row.error;
  }
  const way = texts.blocks.attempts(row.server, row.attempts);
  return row.stage === 'uploading' && way !== '' ? way : texts.files.usual[row.stage];
}

const COLUMNS: readonly Column<NumberedRow>[] = [
  {
    key: 'stage',
    title: texts.files.state,
    width: '5.75rem',
    render: ({ row }) => (
      <span className="with-glyph">
        <Glyph stage={row.stage} level={row.sizeBytes / row.capacityBytes} />
        {stageWords[row.stage]}
      </span>
    ),
  },
  {
    key: 'state',
    title: texts.blocks.sdkState,
    width: '4.5rem',
    render: ({ row }) => <span className="mono sdk quieter">{row.state}</span>,
  },
  {
    key: 'number',
    title: texts.blocks.number,
    width: '3.5rem',
    align: 'end',
    render: ({ number }) => countText(number),
  },
  {
    key: 'size',
    title: texts.blocks.size,
    width: '4rem',
    align: 'end',
    render: ({ row }) => sizeText(row.sizeBytes),
  },
  {
    key: 'locator',
    title: texts.blocks.locator,
    width: '4.75rem',
    render: ({ row }) => (
      <span className="mono quiet" title={row.locator ?? undefined}>
        {row.locator === null ? texts.common.none : `${row.locator.slice(0, LOCATOR_HEAD)}…`}
      </span>
    ),
  },
  {
    key: 'happening',
    title: texts.blocks.happening,
    width: 'minmax(4.5rem, 1.1fr)',
    render: ({ row }) => <span title={happening(row)}>{happening(row)}</span>,
  },
  {
    key: 'files',
    title: texts.blocks.files,
    width: 'minmax(4.5rem, 1fr)',
    render: ({ row }) => (
      <span className="quiet" title={row.examplePaths.join('\n')}>
        {fileName(row.examplePaths[0] ?? '')}
        {row.files > 1 && <span className="quieter"> {texts.blocks.andMore(row.files - 1)}</span>}
      </span>
    ),
  },
  {
    key: 'since',
    title: texts.blocks.since,
    width: '4.5rem',
    align: 'end',
    render: ({ row }) => <span className="quiet">{momentText(row.sinceMs, Date.now())}</span>,
  },
];

/** Block indexes by stage, worst stage first, in file order within one. */
function worstFirst(list: BlockList, unsafeOnly: boolean): number[] {
  const byStage = new Map<Stage, number[]>(STAGES.map((stage) => [stage, []]));
  for (let index = 0; index < list.rowCount; index += 1) {
    byStage.get(list.stageAt(index))?.push(index);
  }
  return [...STAGES]
    .sort((a, b) => stageRank(a) - stageRank(b))
    .filter((stage) => !unsafeOnly || stage !== 'saved')
    .flatMap((stage) => byStage.get(stage) ?? []);
}

/** The map's twin: the same blocks as a table, what is not safe first. */
export function BlockTable(props: {
  /** Another object whenever the list has changed. */
  source: { readonly list: BlockList };
  unsafeOnly: boolean;
  onOpen: (path: string) => void;
}) {
  const { source, unsafeOnly, onOpen } = props;
  const { list } = source;
  const order = useMemo(() => worstFirst(source.list, unsafeOnly), [source, unsafeOnly]);
  return (
    <VirtualGrid
      label={texts.blocks.tableLabel}
      columns={COLUMNS}
      count={order.length}
      rowAt={(position) => {
        const index = order[position];
        const row = index === undefined ? null : list.rowAt(index);
        return row === null || index === undefined ? null : { number: index + 1, row };
      }}
      onOpen={({ row }) => onOpen(row.examplePaths[0] ?? '')}
      empty={list.loaded ? (unsafeOnly ? texts.blocks.allSafe : texts.blocks.empty) : texts.common.loading}
    />
  );
}

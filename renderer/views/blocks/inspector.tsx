import type { ReactNode } from 'react';
import type { BlockRow, Stage } from '../../../src/contract/status.ts';
import { agoText, countText, stageWords } from '../../../src/contract/words.ts';
import { momentText } from '../../format.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Glyph } from '../../parts/glyph.tsx';
import { MiddleCut } from '../../parts/middle-cut.tsx';
import { useNow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { BLOCK_BYTES, type BlockList } from './block-list.ts';
import type { CellModel } from './cell-model.ts';

/** Neighbours at each side of the block in the lens. */
const LENS_REACH = 4;
/** Of a cell that stands for more than this, states are counted instead of listed. */
const LISTED_MAX = 8;
/** Digits of a locator that are shown; its size stands above. */
const LOCATOR_HEAD = 10;

/** The neighbourhood, large: the cells of the map are small. */
function Lens({ list, blocks }: { list: BlockList; blocks: readonly number[] }) {
  const only = blocks.length === 1 ? (blocks[0] ?? 0) : null;
  const around =
    only === null
      ? blocks.slice(0, LENS_REACH * 2 + 1)
      : Array.from({ length: LENS_REACH * 2 + 1 }, (_, step) => only - LENS_REACH + step);
  return (
    <div className="lens" aria-hidden="true">
      {around
        .filter((block) => block >= 0 && block < list.length)
        .map((block) => (
          <span key={block} className={block === only ? 'lens-cell is-here' : 'lens-cell'}>
            <Glyph stage={list.stageAt(block)} level={list.levelAt(block)} size={18} />
          </span>
        ))}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function BlockFacts({ row }: { row: BlockRow }) {
  const nowMs = useNow();
  const way = texts.blocks.attempts(row.server, row.attempts);
  return (
    <dl>
      <Fact name={texts.blocks.size}>{texts.blocks.sizeOf(row.sizeBytes, row.capacityBytes)}</Fact>
      <Fact name={texts.blocks.state}>
        {row.state}, {row.id}
      </Fact>
      {row.locator !== null && (
        <Fact name={texts.blocks.locator}>
          <span className="row">
            <span className="mono cut" title={row.locator}>
              {row.locator.slice(0, LOCATOR_HEAD)}…
            </span>
            <CopyButton text={row.locator} label={texts.blocks.copyLocator} />
          </span>
        </Fact>
      )}
      {way !== '' && <Fact name={texts.blocks.server}>{way}</Fact>}
      {row.error !== null && <Fact name={texts.blocks.error}>{row.error}</Fact>}
      <Fact name={texts.blocks.since}>
        {momentText(row.sinceMs, nowMs)}, {agoText(row.sinceMs, nowMs)}
      </Fact>
    </dl>
  );
}

function FilesInside({ row }: { row: BlockRow }) {
  const more = row.files - row.examplePaths.length;
  return (
    <div className="files-inside">
      <h3>{texts.blocks.filesInside(row.files)}</h3>
      <ul>
        {row.examplePaths.map((path) => (
          <li key={path} className="mono">
            <MiddleCut text={path} />
          </li>
        ))}
        {more > 0 && <li className="quieter">{texts.blocks.andMore(more)}</li>}
      </ul>
    </div>
  );
}

function OneBlock({ list, block }: { list: BlockList; block: number }) {
  const row = list.rowAt(block);
  const stage = list.stageAt(block);
  return (
    <>
      <h2 className="row">
        <Glyph stage={stage} level={list.levelAt(block)} size={18} />
        {texts.blocks.named(block + 1, stageWords[stage])}
      </h2>
      <p className="quiet">{texts.blocks.meaning[stage]}</p>
      {row === null ? (
        <dl>
          <Fact name={texts.blocks.size}>{texts.blocks.sizeOf(0, BLOCK_BYTES)}</Fact>
        </dl>
      ) : (
        <>
          <BlockFacts row={row} />
          <FilesInside row={row} />
        </>
      )}
    </>
  );
}

function counted(list: BlockList, blocks: readonly number[]): readonly (readonly [Stage, number])[] {
  const counts = new Map<Stage, number>();
  for (const block of blocks) {
    const stage = list.stageAt(block);
    counts.set(stage, (counts.get(stage) ?? 0) + 1);
  }
  return [...counts];
}

function ManyBlocks({ list, blocks, stage }: { list: BlockList; blocks: readonly number[]; stage: Stage }) {
  const bytes = blocks.reduce((sum, block) => sum + (list.rowAt(block)?.sizeBytes ?? 0), 0);
  const word = (each: Stage) => (
    <span className="row">
      <Glyph stage={each} size={14} />
      {stageWords[each]}
    </span>
  );
  return (
    <>
      <h2 className="row">
        <Glyph stage={stage} size={18} />
        {texts.blocks.range((blocks[0] ?? 0) + 1, (blocks.at(-1) ?? 0) + 1)}
      </h2>
      <p className="quiet">{texts.blocks.rangeText(blocks.length)}</p>
      <dl>
        {blocks.length <= LISTED_MAX
          ? blocks.map((block) => (
              <Fact key={block} name={countText(block + 1)}>
                {word(list.stageAt(block))}
              </Fact>
            ))
          : counted(list, blocks).map(([each, count]) => (
              <Fact key={each} name={countText(count)}>
                {word(each)}
              </Fact>
            ))}
        <Fact name={texts.blocks.size}>{texts.blocks.sizeOf(bytes, blocks.length * BLOCK_BYTES)}</Fact>
      </dl>
    </>
  );
}

/** Everything about the cell under the pointer, or else the focused one. */
export function Inspector({ model, cell }: { model: CellModel; cell: number }) {
  const blocks = model.blocksOfCell(cell);
  const only = blocks.length === 1 ? blocks[0] : undefined;
  return (
    <aside className="inspector">
      <Lens list={model.list} blocks={blocks} />
      {only === undefined ? (
        <ManyBlocks list={model.list} blocks={blocks} stage={model.stageOfCell(cell)} />
      ) : (
        <OneBlock list={model.list} block={only} />
      )}
      <p className="keys">
        <kbd>←</kbd>
        <kbd>↑</kbd>
        <kbd>↓</kbd>
        <kbd>→</kbd> {texts.blocks.move} <kbd>Enter</kbd>{' '}
        {only === undefined ? texts.blocks.opens : texts.blocks.showFiles}
      </p>
    </aside>
  );
}

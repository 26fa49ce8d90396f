import { ArrowLeft, ChevronRight, Grid2x2, Table2 } from 'lucide-react';
import { Fragment, useEffect, useMemo, useRef, useState } from 'react';
import type { FolderStatus, Stage } from '../../../src/contract/status.ts';
import { countText, stageWords } from '../../../src/contract/words.ts';
import { failureOf } from '../../bridge.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { folderPlace } from '../../state/places.ts';
import { useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { BlockList } from './block-list.ts';
import { BlockMap } from './block-map.tsx';
import { BlockTable } from './block-table.tsx';
import { CellModel, type Shown } from './cell-model.ts';
import { Inspector } from './inspector.tsx';

/** Numbers, table and inspector follow the blocks this often; the map itself follows at once. */
const FOLLOW_EVERY_MS = 250;

const FLOW: readonly Stage[] = ['waiting', 'filling', 'uploading', 'stored', 'saved'];

function useBlockList(folder: FolderStatus): BlockList {
  const { bridge, setFailure } = useWindow();
  const list = useMemo(() => new BlockList(), []);
  // events tell what happens to a block on its way; a save, and what is given up, change the list behind them
  const { lastSaveAtMs, phase, bar } = folder;
  const chapter = [lastSaveAtMs, phase, bar.failed.files].join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new chapter is read anew
  useEffect(
    () => list.follow(bridge, folder.id, (thrown) => setFailure(failureOf(thrown))),
    [bridge, list, folder.id, setFailure, chapter],
  );
  useEffect(() => list.setWaitingBytes(folder.bar.waiting.bytes), [list, folder.bar.waiting.bytes]);
  return list;
}

interface Source {
  readonly list: BlockList;
}

/** The list, looked at a few times a second: another object says that it changed, or that cells came or went. */
interface Follow {
  readonly changed: Source;
  readonly grown: Source;
}

function useFollow(list: BlockList): Follow {
  const [state, setState] = useState<Follow>(() => ({ changed: { list }, grown: { list } }));
  useEffect(() => {
    let grown = false;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const stop = list.subscribe((change) => {
      grown ||= change === 'all';
      timer ??= setTimeout(() => {
        timer = null;
        const source = { list };
        const keep = !grown;
        grown = false;
        setState((before) => ({ changed: source, grown: keep ? before.grown : source }));
      }, FOLLOW_EVERY_MS);
    });
    return () => {
      stop();
      if (timer !== null) {
        clearTimeout(timer);
      }
    };
  }, [list]);
  return state;
}

function Flow({ counts }: { counts: Readonly<Record<Stage, number>> }) {
  const part = (stage: Stage) => (
    <li>
      <Glyph stage={stage} />
      <b>{countText(counts[stage])}</b> {stageWords[stage]}
    </li>
  );
  return (
    <ul className="flow" aria-label={texts.blocks.flow}>
      {FLOW.map((stage, index) => (
        <Fragment key={stage}>
          {index > 0 && (
            <li aria-hidden="true">
              <ChevronRight className="icon" />
            </li>
          )}
          {part(stage)}
        </Fragment>
      ))}
      {part('failed')}
    </ul>
  );
}

/** Where the work is: the last cell on its way, else the first that is not saved, else the first. */
function frontOf(model: CellModel): number {
  let firstUnsafe = 0;
  for (let cell = model.cellCount - 1; cell >= 0; cell -= 1) {
    const stage = model.stageOfCell(cell);
    if (stage === 'uploading') {
      return cell;
    }
    if (stage !== 'saved') {
      firstUnsafe = cell;
    }
  }
  return firstUnsafe;
}

interface MapPaneProps {
  readonly follow: Follow;
  readonly shown: Shown;
  readonly onShown: (shown: Shown) => void;
  readonly onFiles: (path: string) => void;
}

function MapPane({ follow, shown, onShown, onFiles }: MapPaneProps) {
  // of "not safe yet" cells leave as they are saved; that is done together with the numbers, not block by block
  const source = shown.what === 'unsafe' ? follow.changed : follow.grown;
  const { list } = source;
  const model = useMemo(() => new CellModel(source.list, shown), [source, shown]);
  const [focused, setFocused] = useState(0);
  const [hovered, setHovered] = useState<number | null>(null);
  // another choice of blocks begins at its start, or where the work is; new blocks leave the focus where it is
  const placedFor = useRef<Shown | null>(null);
  useEffect(() => {
    setHovered(null);
    if (model.list.loaded && placedFor.current !== model.shown) {
      placedFor.current = model.shown;
      setFocused(model.shown.what === 'all' ? frontOf(model) : 0);
    }
  }, [model]);

  if (model.cellCount === 0) {
    return (
      <p className="empty-note">
        {!list.loaded
          ? texts.common.loading
          : shown.what === 'unsafe'
            ? texts.blocks.allSafe
            : texts.blocks.empty}
      </p>
    );
  }
  const here = Math.min(focused, model.cellCount - 1);
  const open = (cell: number) => {
    const blocks = model.blocksOfCell(cell);
    const first = blocks[0] ?? 0;
    if (blocks.length > 1) {
      onShown({ what: 'range', from: first, to: (blocks.at(-1) ?? first) + 1 });
    } else {
      const path = list.rowAt(first)?.examplePaths[0];
      if (path !== undefined) {
        onFiles(path);
      }
    }
  };
  return (
    <div className="map-pane">
      <BlockMap
        model={model}
        focused={here}
        onFocus={setFocused}
        onHover={setHovered}
        onOpen={open}
        onBack={() => shown.what === 'range' && onShown({ what: 'all' })}
      />
      <Inspector model={model} cell={hovered !== null && hovered < model.cellCount ? hovered : here} />
    </div>
  );
}

/** The folder block by block: a map, and always its twin, a table. */
export function BlocksTab({ folder, onCount }: { folder: FolderStatus; onCount: (count: number) => void }) {
  const { go } = useWindow();
  const list = useBlockList(folder);
  const follow = useFollow(list);
  const [view, setView] = useState<'map' | 'table'>('map');
  const [shown, setShown] = useState<Shown>({ what: 'all' });
  const counts = list.counts();
  const all = list.length;
  const unsafe = all - counts.saved;
  useEffect(() => onCount(all), [onCount, all]);
  const showFiles = (path: string) => go(folderPlace(folder.id, 'files', path));
  const pressed = (what: Shown['what']) =>
    view === 'table' && shown.what === 'range' ? what === 'all' : shown.what === what;
  return (
    <>
      <fieldset className="segments map-or-table">
        <legend className="visually-hidden">{texts.blocks.view}</legend>
        <button type="button" aria-pressed={view === 'map'} onClick={() => setView('map')}>
          <Grid2x2 className="icon icon-small" aria-hidden="true" />
          {texts.blocks.map}
        </button>
        <button type="button" aria-pressed={view === 'table'} onClick={() => setView('table')}>
          <Table2 className="icon icon-small" aria-hidden="true" />
          {texts.blocks.table}
        </button>
      </fieldset>
      <div className="tools">
        <Flow counts={counts} />
        <fieldset className="segments">
          <legend className="visually-hidden">{texts.blocks.which}</legend>
          {shown.what === 'range' && view === 'map' && (
            <button type="button" aria-pressed="true" onClick={() => setShown({ what: 'all' })}>
              <ArrowLeft className="icon icon-small" aria-hidden="true" />
              {texts.blocks.backToAll}
            </button>
          )}
          <button type="button" aria-pressed={pressed('all')} onClick={() => setShown({ what: 'all' })}>
            {texts.blocks.all(all)}
          </button>
          <button type="button" aria-pressed={pressed('unsafe')} onClick={() => setShown({ what: 'unsafe' })}>
            {texts.blocks.unsafe(unsafe)}
          </button>
        </fieldset>
      </div>
      {view === 'map' ? (
        <MapPane follow={follow} shown={shown} onShown={setShown} onFiles={showFiles} />
      ) : (
        <BlockTable source={follow.changed} unsafeOnly={shown.what === 'unsafe'} onOpen={showFiles} />
      )}
    </>
  );
}

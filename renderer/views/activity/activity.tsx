import { Button, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Download, Search } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { ActivityRow, StatusSnapshot } from '../../../src/contract/status.ts';
import { failureOf } from '../../bridge.ts';
import { momentText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { MiddleCut } from '../../parts/middle-cut.tsx';
import { TrayMark } from '../../parts/tray-mark.tsx';
import { type Column, VirtualGrid } from '../../parts/virtual-grid.tsx';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { toCsv } from './csv.ts';

/** As many lines as the contract gives at once; older ones are in the log files. */
const LINES_MAX = 5_000;
const SEARCH_AFTER_MS = 200;

type Level = ActivityRow['level'];

function LevelMark({ level }: { level: Level }) {
  if (level === 'error') {
    return <Glyph stage="failed" size={14} />;
  }
  return level === 'warn' ? <TrayMark state="attention" size={14} /> : null;
}

/** The newest lines that match, newest first; later ones come by event. */
function useActivity(search: string): readonly ActivityRow[] | null {
  const { bridge, setFailure } = useWindow();
  const [rows, setRows] = useState<readonly ActivityRow[] | null>(null);
  useEffect(() => {
    let stopped = false;
    const needle = search.toLowerCase();
    const add = (fresh: readonly ActivityRow[]) => {
      setRows((before) => {
        const seqs = new Set((before ?? []).map((row) => row.seq));
        const all = [...fresh.filter((row) => !seqs.has(row.seq)), ...(before ?? [])];
        return all.sort((a, b) => b.seq - a.seq).slice(0, LINES_MAX);
      });
    };
    setRows(null);
    let waiting: ActivityRow[] = [];
    let frame = 0;
    const stop = bridge.subscribe('activity', (row) => {
      if (needle === '' || row.message.toLowerCase().includes(needle)) {
        waiting.push(row);
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          add(waiting);
          waiting = [];
        });
      }
    });
    bridge.run('activity.list', { search, limit: LINES_MAX }).then(
      (found) => {
        if (!stopped) {
          add(found);
        }
      },
      (thrown: unknown) => {
        if (!stopped) {
          setFailure(failureOf(thrown));
        }
      },
    );
    return () => {
      stopped = true;
      cancelAnimationFrame(frame);
      stop();
    };
  }, [bridge, search, setFailure]);
  return rows;
}

function useColumns(snapshot: StatusSnapshot): {
  columns: readonly Column<ActivityRow>[];
  folderName: (id: string | null) => string;
} {
  const names = snapshot.folders.map((folder) => `${folder.id}\n${folder.name}`).join('\n\n');
  return useMemo(() => {
    const byId = new Map(
      names.split('\n\n').map((entry) => {
        const [id = '', name = ''] = entry.split('\n');
        return [id, name] as const;
      }),
    );
    const folderName = (id: string | null) => (id === null ? '' : (byId.get(id) ?? id));
    const columns: readonly Column<ActivityRow>[] = [
      {
        key: 'time',
        title: texts.activity.time,
        width: '6.5rem',
        render: (row) => <span className="quiet">{momentText(row.atMs, Date.now())}</span>,
      },
      {
        key: 'level',
        title: texts.activity.level,
        width: '5rem',
        render: (row) => (
          <span className={`level is-${row.level}`}>
            <LevelMark level={row.level} />
            {texts.activity.levels[row.level]}
          </span>
        ),
      },
      {
        key: 'message',
        title: texts.activity.message,
        width: 'minmax(10rem, 3fr)',
        render: (row) => <span title={row.message}>{row.message}</span>,
      },
      {
        key: 'folder',
        title: texts.activity.folder,
        width: 'minmax(6rem, 1.4fr)',
        render: (row) => (
          <span className="quieter">
            <MiddleCut text={folderName(row.folderId)} />
          </span>
        ),
      },
    ];
    return { columns, folderName };
  }, [names]);
}

/** Hands a text to the person: through the shell's dialog, or as a download in a browser. */
function useSaveText() {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  return (suggestedName: string, text: string) => {
    if (bridge.shell.saveText !== undefined) {
      void attempt(bridge.shell.saveText({ suggestedName, text }));
      return;
    }
    const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = suggestedName;
    link.click();
    URL.revokeObjectURL(url);
  };
}

/** Everything that happened, searchable. */
export function ActivityView({ snapshot }: { snapshot: StatusSnapshot }) {
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), SEARCH_AFTER_MS);
  const [worseOnly, setWorseOnly] = useState(false);
  const found = useActivity(search);
  const { columns, folderName } = useColumns(snapshot);
  const saveText = useSaveText();
  const rows = useMemo(
    () => (found ?? []).filter((row) => !worseOnly || row.level === 'warn' || row.level === 'error'),
    [found, worseOnly],
  );
  const exportCsv = () =>
    saveText(
      texts.activity.fileName,
      toCsv([
        [texts.activity.time, texts.activity.level, texts.activity.folder, texts.activity.message],
        ...rows.map((row) => [
          new Date(row.atMs).toISOString(),
          row.level,
          folderName(row.folderId),
          row.message,
        ]),
      ]),
    );
  return (
    <div className="activity">
      <header className="view-head">
        <h1 className="grow">{texts.activity.title}</h1>
        <Button
          leftSection={<Download className="icon" aria-hidden="true" />}
          onClick={exportCsv}
          disabled={rows.length === 0}
        >
          {texts.activity.export}
        </Button>
      </header>
      <div className="tools">
        <TextInput
          className="search"
          size="xs"
          type="search"
          leftSection={<Search className="icon icon-small" aria-hidden="true" />}
          placeholder={texts.activity.search}
          aria-label={texts.activity.search}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <fieldset className="chips">
          <legend className="visually-hidden">{texts.activity.filter}</legend>
          <button
            type="button"
            className="chip"
            aria-pressed={!worseOnly}
            onClick={() => setWorseOnly(false)}
          >
            {texts.activity.allLevels}
          </button>
          <button type="button" className="chip" aria-pressed={worseOnly} onClick={() => setWorseOnly(true)}>
            {texts.activity.worse}
          </button>
        </fieldset>
      </div>
      <VirtualGrid
        label={texts.activity.label}
        columns={columns}
        count={rows.length}
        rowAt={(index) => rows[index] ?? null}
        empty={
          found === null ? texts.common.loading : search === '' ? texts.activity.empty : texts.activity.none
        }
      />
    </div>
  );
}

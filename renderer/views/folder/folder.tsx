import { Tabs } from '@mantine/core';
import { useState } from 'react';
import type { Place } from '../../../src/contract/shell.ts';
import { type FolderStatus, STAGES, type StatusSnapshot } from '../../../src/contract/status.ts';
import { countText } from '../../../src/contract/words.ts';
import { Legend, SegmentedBar } from '../../parts/segmented-bar.tsx';
import { FOLDER_TABS, type FolderTab, folderPlace } from '../../state/places.ts';
import { useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { BlocksTab } from '../blocks/blocks-tab.tsx';
import { PercentSaved } from '../overview/folder-card.tsx';
import { FilesTab } from './files-tab.tsx';
import { FolderHead } from './folder-head.tsx';
import { HistoryTab } from './history-tab.tsx';
import { RulesTab } from './rules-tab.tsx';

interface PanelProps {
  readonly place: Extract<Place, { view: 'folder' }>;
  readonly folder: FolderStatus;
  readonly revision: number;
  readonly onBlocks: (count: number) => void;
}

function Panel({ place, folder, revision, onBlocks }: PanelProps) {
  switch (place.tab) {
    case 'files':
      return <FilesTab key={folder.id} folder={folder} revision={revision} search={place.search} />;
    case 'blocks':
      return <BlocksTab folder={folder} onCount={onBlocks} />;
    case 'history':
      return <HistoryTab folder={folder} />;
    case 'rules':
      return <RulesTab folder={folder} />;
  }
}

/** One folder pair: is it saved, and what of it is where? */
export function FolderView({
  snapshot,
  place,
}: {
  snapshot: StatusSnapshot;
  place: Extract<Place, { view: 'folder' }>;
}) {
  const { go } = useWindow();
  const [blocks, setBlocks] = useState<number | null>(null);
  const folder = snapshot.folders.find((candidate) => candidate.id === place.folderId);
  if (folder === undefined) {
    return <p className="empty-note">{texts.folder.gone}</p>;
  }
  const files = STAGES.reduce((sum, stage) => sum + folder.bar[stage].files, 0);
  const counts: Record<FolderTab, number | null> = { files, blocks, history: null, rules: null };
  return (
    <div className="folder">
      <FolderHead folder={folder} />
      <div className="folder-state">
        <div className="row">
          <span className="grow say">{folder.sentence}</span>
          <PercentSaved folder={folder} />
        </div>
        <SegmentedBar bar={folder.bar} size="lg" />
        <Legend bar={folder.bar} />
      </div>
      <Tabs
        className="folder-tabs"
        value={place.tab}
        keepMounted={false}
        onChange={(tab) => {
          const wanted = FOLDER_TABS.find((candidate) => candidate === tab);
          if (wanted !== undefined) {
            go(folderPlace(folder.id, wanted));
          }
        }}
      >
        <Tabs.List aria-label={texts.folder.tabsLabel}>
          {FOLDER_TABS.map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {texts.folder.tabs[tab]}
              {counts[tab] !== null && <small>{countText(counts[tab])}</small>}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={place.tab}>
          <Panel place={place} folder={folder} revision={snapshot.revision} onBlocks={setBlocks} />
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

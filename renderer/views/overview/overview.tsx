import { Button } from '@mantine/core';
import { FolderOpen, Plus } from 'lucide-react';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { DropTarget } from '../../parts/drop-target.tsx';
import { PauseMenu } from '../../parts/pause-menu.tsx';
import { allSaved, Verdict } from '../../parts/verdict.tsx';
import { placeToHash } from '../../state/places.ts';
import { useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { proposeFolder } from '../first-run/proposed-folder.ts';
import { FolderCard } from './folder-card.tsx';
import { PipelinePicture } from './pipeline.tsx';
import { ThroughputCard } from './throughput.tsx';

function EmptyOverview() {
  const { bridge, go } = useWindow();
  const add = (path: string | null) => {
    proposeFolder(path);
    go({ view: 'add-folder' });
  };
  return (
    <DropTarget className="drop-page" onFolder={add}>
      <svg className="drop-picture" viewBox="0 0 16 16" aria-hidden="true">
        <rect x="1.75" y="1.75" width="12.5" height="12.5" rx="2.25" strokeDasharray="1.6 1.33" />
        <path d="M8 5.2v5.6M5.2 8h5.6" strokeLinecap="round" />
      </svg>
      <h1>{bridge.shell.acceptDrop === undefined ? texts.overview.chooseTitle : texts.overview.dropTitle}</h1>
      <p>
        {texts.overview.dropText}
        <br />
        {texts.overview.dropPromise}
      </p>
      <Button
        variant="filled"
        component="a"
        href={placeToHash({ view: 'add-folder' })}
        leftSection={<FolderOpen className="icon" aria-hidden="true" />}
      >
        {texts.overview.choose}
      </Button>
    </DropTarget>
  );
}

/** Is everything safe, and if not, where is it on its way? */
export function OverviewView({ snapshot }: { snapshot: StatusSnapshot }) {
  if (snapshot.folders.length === 0) {
    // while it starts, nobody knows yet whether there are any
    return snapshot.tray === 'syncing' ? (
      <Verdict tray="syncing" sentence={snapshot.verdict.sentence} detail={snapshot.verdict.detail} />
    ) : (
      <EmptyOverview />
    );
  }
  return (
    <div className="overview">
      <Verdict
        tray={snapshot.tray}
        allSaved={allSaved(snapshot.bar)}
        sentence={snapshot.verdict.sentence}
        detail={snapshot.verdict.detail}
      >
        <PauseMenu folderId={null} paused={snapshot.folders.every((folder) => folder.phase === 'paused')} />
        <Button
          variant="filled"
          component="a"
          href={placeToHash({ view: 'add-folder' })}
          leftSection={<Plus className="icon" aria-hidden="true" />}
        >
          {texts.nav.addFolder}
        </Button>
      </Verdict>
      <PipelinePicture snapshot={snapshot} />
      <ThroughputCard throughput={snapshot.throughput} />
      <section className="folder-cards" aria-label={texts.overview.foldersLabel}>
        {snapshot.folders.map((folder) => (
          <FolderCard key={folder.id} folder={folder} />
        ))}
      </section>
    </div>
  );
}

import { ArrowRight } from 'lucide-react';
import { type FolderStatus, STAGES } from '../../../src/contract/status.ts';
import { momentText, parentPath } from '../../format.ts';
import { FolderMark } from '../../parts/folder-mark.tsx';
import { MiddleCut } from '../../parts/middle-cut.tsx';
import { SegmentedBar } from '../../parts/segmented-bar.tsx';
import { folderPlace, placeToHash } from '../../state/places.ts';
import { useNow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';

/** "All saved" is said of nothing but a folder whose every byte is saved. */
export function PercentSaved({ folder }: { folder: FolderStatus }) {
  if (folder.percentSaved === null) {
    // the sentence beside it says why nobody can tell
    return null;
  }
  const all = folder.percentSaved === 100;
  return (
    <b className={all ? 'percent all' : 'percent'}>
      {all ? texts.percent.all : texts.percent.some(folder.percentSaved)}
    </b>
  );
}

/** One folder pair: where from, where to, how far. */
export function FolderCard({ folder }: { folder: FolderStatus }) {
  const nowMs = useNow(10_000);
  const files = STAGES.reduce((sum, stage) => sum + folder.bar[stage].files, 0);
  const bytes = STAGES.reduce((sum, stage) => sum + folder.bar[stage].bytes, 0);
  return (
    <a className="card folder-card" href={placeToHash(folderPlace(folder.id))}>
      <div className="row">
        <FolderMark folder={folder} size={16} />
        <h2 className="grow">
          <MiddleCut text={folder.name} />
        </h2>
        <PercentSaved folder={folder} />
      </div>
      <div className="row small quiet" title={folder.path}>
        <span className="cut">{parentPath(folder.path)}</span>
        <ArrowRight className="icon icon-small" aria-hidden="true" />
        <span className="cut">{folder.collectionName}</span>
      </div>
      <SegmentedBar bar={folder.bar} />
      <div className="row small quiet">
        <span className="grow cut">
          {folder.percentSaved === 100 ? texts.overview.contents(files, bytes) : folder.sentence}
        </span>
        <span className="quieter">
          {folder.lastSaveAtMs === null
            ? texts.overview.neverSaved
            : texts.overview.savedAt(momentText(folder.lastSaveAtMs, nowMs))}
        </span>
      </div>
    </a>
  );
}

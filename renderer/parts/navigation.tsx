import { ActionIcon, Tooltip } from '@mantine/core';
import { ArrowUp, LayoutGrid, Plus, ScrollText, Server, Settings2, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Place } from '../../src/contract/shell.ts';
import type { StatusSnapshot } from '../../src/contract/status.ts';
import { countText, rateText } from '../../src/contract/words.ts';
import { folderPlace, placeToHash } from '../state/places.ts';
import { useWindow } from '../state/window-context.tsx';
import { texts } from '../words.ts';
import { FolderMark } from './folder-mark.tsx';
import { MiddleCut } from './middle-cut.tsx';
import { QuitButton } from './quit-button.tsx';
import { TrayMark } from './tray-mark.tsx';

interface ItemProps {
  readonly place: Place;
  readonly current: boolean;
  readonly mark: ReactNode;
  readonly name: ReactNode;
  readonly end?: ReactNode;
}

function Item({ place, current, mark, name, end }: ItemProps) {
  return (
    <a className="nav-item" href={placeToHash(place)} aria-current={current ? 'page' : undefined}>
      {mark}
      <span className="name">{name}</span>
      {end}
    </a>
  );
}

function Facts({ snapshot }: { snapshot: StatusSnapshot }) {
  const { account, throughput } = snapshot;
  const rate = throughput.bytesPerSecond < 1 ? texts.nav.nothingToSend : rateText(throughput.bytesPerSecond);
  const host = account.local ? texts.nav.localCluster : account.host?.split(/[.:]/)[0];
  const link =
    host === undefined
      ? texts.nav.signedOut
      : account.connected
        ? texts.nav.connected(host)
        : texts.nav.notConnected(host);
  return (
    <div className="nav-facts">
      <div className="row">
        <ArrowUp className="icon icon-small" aria-hidden="true" />
        <span className="fact-text">{rate}</span>
      </div>
      <div className="row" title={account.host ?? undefined}>
        <Server className="icon icon-small" aria-hidden="true" />
        <span className="fact-text cut">{link}</span>
      </div>
    </div>
  );
}

/** The way to every view; the folders with their states; speed and connection at the foot. */
export function Navigation({ snapshot, onSkip }: { snapshot: StatusSnapshot; onSkip: () => void }) {
  const { place, about } = useWindow();
  const needYou = snapshot.problems.filter((group) => group.kind === 'needs-you').length;
  const is = (view: Place['view']) => place.view === view;
  return (
    <nav className="nav" aria-label={texts.nav.label}>
      <button type="button" className="skip" onClick={onSkip}>
        {texts.nav.skip}
      </button>
      <div className="brand">
        <TrayMark state="ready" size={22} />
        <span>{texts.app}</span>
      </div>
      <Item
        place={{ view: 'overview' }}
        current={is('overview')}
        mark={<LayoutGrid className="icon" aria-hidden="true" />}
        name={texts.nav.overview}
      />
      <Item
        place={{ view: 'problems' }}
        current={is('problems')}
        mark={<TriangleAlert className="icon" aria-hidden="true" />}
        name={texts.nav.problems}
        end={
          needYou > 0 && (
            <span className="badge">
              {countText(needYou)}
              <span className="visually-hidden"> {texts.problems.needs}</span>
            </span>
          )
        }
      />
      <Item
        place={{ view: 'activity' }}
        current={is('activity')}
        mark={<ScrollText className="icon" aria-hidden="true" />}
        name={texts.nav.activity}
      />
      <div className="nav-label">
        <span>{texts.nav.folders}</span>
        <Tooltip label={texts.nav.addFolder}>
          <ActionIcon
            component="a"
            size="1.5rem"
            href={placeToHash({ view: 'add-folder' })}
            aria-label={texts.nav.addFolder}
          >
            <Plus className="icon icon-small" aria-hidden="true" />
          </ActionIcon>
        </Tooltip>
      </div>
      <div className="nav-folders">
        {snapshot.folders.map((folder) => (
          <Item
            key={folder.id}
            place={folderPlace(folder.id)}
            current={place.view === 'folder' && place.folderId === folder.id}
            mark={<FolderMark folder={folder} />}
            name={<MiddleCut text={folder.name} />}
            end={
              folder.tray === 'syncing' &&
              folder.percentSaved !== null && <span className="end">{folder.percentSaved} %</span>
            }
          />
        ))}
      </div>
      <div className="nav-foot">
        <Item
          place={{ view: 'settings' }}
          current={is('settings')}
          mark={<Settings2 className="icon" aria-hidden="true" />}
          name={texts.nav.settings}
        />
        {about?.hasTray === false && <QuitButton snapshot={snapshot} />}
        <Facts snapshot={snapshot} />
      </div>
    </nav>
  );
}

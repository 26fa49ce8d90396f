import { MantineProvider } from '@mantine/core';
import { WifiOff } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Place } from '../src/contract/shell.ts';
import type { StatusSnapshot } from '../src/contract/status.ts';
import type { Bridge } from './bridge.ts';
import { FailureNote } from './parts/failure-note.tsx';
import { LiveRegion } from './parts/live-region.tsx';
import { Navigation } from './parts/navigation.tsx';
import { useConnectionState, useSnapshot, useWindow, WindowProvider } from './state/window-context.tsx';
import { theme } from './theme/theme.ts';
import { ActivityView } from './views/activity/activity.tsx';
import { FirstRun } from './views/first-run/first-run.tsx';
import { FolderView } from './views/folder/folder.tsx';
import { OverviewView } from './views/overview/overview.tsx';
import { ProblemsView } from './views/problems/problems.tsx';
import { SettingsView } from './views/settings/settings.tsx';
import { texts } from './words.ts';

function CurrentView({ snapshot }: { snapshot: StatusSnapshot }) {
  const { place } = useWindow();
  switch (place.view) {
    case 'problems':
      return <ProblemsView snapshot={snapshot} />;
    case 'activity':
      return <ActivityView snapshot={snapshot} />;
    case 'settings':
      // signing in or out elsewhere changes the account's settings
      return <SettingsView key={snapshot.account.host} snapshot={snapshot} />;
    case 'folder':
      return <FolderView key={place.folderId} snapshot={snapshot} place={place} />;
    default:
      return <OverviewView snapshot={snapshot} />;
  }
}

const viewOf = (place: Place): string => (place.view === 'folder' ? `folder ${place.folderId}` : place.view);

function Frame({ snapshot }: { snapshot: StatusSnapshot }) {
  const { place } = useWindow();
  const connection = useConnectionState();
  const main = useRef<HTMLElement>(null);
  const before = useRef(place);
  // after going somewhere, reading and tabbing go on from the top of the new view; from one part of a folder to another
  // only where what had the focus is gone
  useEffect(() => {
    if (before.current === place) {
      return;
    }
    const isElsewhere = viewOf(before.current) !== viewOf(place);
    before.current = place;
    if (isElsewhere) {
      main.current?.scrollTo({ top: 0 });
    }
    if (isElsewhere || document.activeElement === document.body) {
      main.current?.focus({ preventScroll: true });
    }
  }, [place]);
  return (
    <div className="frame">
      <Navigation snapshot={snapshot} onSkip={() => main.current?.focus()} />
      <main className="main" id="main" ref={main} tabIndex={-1}>
        {connection !== 'open' && (
          <div className="banner" role="status">
            <WifiOff className="icon" aria-hidden="true" />
            {texts.connection.lost}
          </div>
        )}
        <CurrentView snapshot={snapshot} />
      </main>
    </div>
  );
}

function Content() {
  const snapshot = useSnapshot();
  const connection = useConnectionState();
  const { place } = useWindow();
  /** The first run goes on to its end, although signing in and adding a folder already changed the snapshot. */
  const [settingUp, setSettingUp] = useState<boolean | null>(null);
  /** Somebody signs in here: before that, an account that turns up was only not known yet. */
  const signsIn = useRef(false);
  useEffect(() => {
    if (snapshot !== null && (settingUp === null || (settingUp && !signsIn.current))) {
      const { account, folders } = snapshot;
      setSettingUp(account.host === null && !account.local && folders.length === 0);
    }
  }, [snapshot, settingUp]);
  useEffect(() => {
    document.title = snapshot === null ? texts.app : `${snapshot.verdict.sentence} – ${texts.app}`;
  }, [snapshot]);

  if (connection === 'refused') {
    return (
      <main className="blank">
        <h1>{texts.connection.refused}</h1>
        <p>{texts.connection.refusedAction}</p>
      </main>
    );
  }
  if (snapshot === null || settingUp === null) {
    return (
      <main className="blank" aria-busy="true">
        <p>{texts.connection.starting}</p>
      </main>
    );
  }
  const wizard = settingUp
    ? 'all'
    : place.view === 'sign-in' || place.view === 'add-folder'
      ? place.view
      : null;
  return (
    <>
      {wizard === null ? (
        <Frame snapshot={snapshot} />
      ) : (
        <FirstRun
          key={wizard}
          steps={wizard}
          snapshot={snapshot}
          onSignIn={() => {
            signsIn.current = true;
          }}
          onDone={() => setSettingUp(false)}
        />
      )}
      <LiveRegion sentence={snapshot.verdict.sentence} />
      <FailureNote />
    </>
  );
}

/** The whole window over a bridge. */
export function App({ bridge }: { bridge: Bridge }) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <WindowProvider bridge={bridge}>
        <Content />
      </WindowProvider>
    </MantineProvider>
  );
}

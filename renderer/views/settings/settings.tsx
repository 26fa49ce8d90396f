import { useEffect, useState } from 'react';
import type { Settings } from '../../../src/contract/settings.ts';
import type { StatusSnapshot } from '../../../src/contract/status.ts';
import { useAct } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { AccountCard } from './account-card.tsx';
import { DiagnosticsCard } from './diagnostics-card.tsx';
import { NetworkCard } from './network-card.tsx';
import { NotificationsCard, StartCard, UploadsCard } from './small-cards.tsx';

/** Everything that can be set. Each control takes effect at once. */
export function SettingsView({ snapshot }: { snapshot: StatusSnapshot }) {
  const { run } = useAct();
  const [settings, setSettings] = useState<Settings | null>(null);
  useEffect(() => {
    void run('settings.get', {}).then((found) => found !== undefined && setSettings(found));
  }, [run]);
  if (settings === null) {
    return <p className="empty-note">{texts.common.loading}</p>;
  }
  const onChange = (change: Partial<Settings>) => {
    const before = settings;
    setSettings({ ...settings, ...change });
    void run('settings.set', change).then((answer) => setSettings(answer ?? before));
  };
  const props = { settings, snapshot, onChange };
  return (
    <div className="settings">
      <header className="view-head">
        <h1>{texts.settings.title}</h1>
      </header>
      <div className="settings-columns">
        <div>
          <AccountCard {...props} />
          <NetworkCard {...props} />
          <UploadsCard {...props} />
        </div>
        <div>
          <StartCard {...props} />
          <NotificationsCard {...props} />
          <DiagnosticsCard />
        </div>
      </div>
      <p className="small quieter">{texts.settings.version(snapshot.version)}</p>
    </div>
  );
}

import { Checkbox, NumberInput, Switch } from '@mantine/core';
import { texts } from '../../words.ts';
import type { CardProps } from './card-props.ts';
import { SettingRow } from './setting-row.tsx';

const SECOND_MS = 1_000;

/** Threads and the calm period. */
export function UploadsCard({ settings, onChange }: CardProps) {
  const { uploads } = settings;
  const set = (change: Partial<typeof uploads>) => onChange({ uploads: { ...uploads, ...change } });
  return (
    <section className="card setting-card">
      <h2>{texts.settings.uploads}</h2>
      <SettingRow
        name={texts.settings.threads}
        text={texts.settings.threadsText(uploads.threads + uploads.queue)}
      >
        <NumberInput
          size="xs"
          w="5.5rem"
          aria-label={texts.settings.threads}
          min={1}
          max={16}
          clampBehavior="strict"
          value={uploads.threads}
          onChange={(value) => typeof value === 'number' && value >= 1 && set({ threads: value })}
        />
      </SettingRow>
      <SettingRow name={texts.settings.calm} text={texts.settings.calmText}>
        <NumberInput
          size="xs"
          w="7.5rem"
          hideControls
          aria-label={texts.settings.calm}
          min={0}
          max={3_600}
          decimalScale={1}
          suffix={` ${texts.settings.calmUnit}`}
          value={uploads.calmBaseMs / SECOND_MS}
          onBlur={(event) => {
            const calmBaseMs = Math.round(Number.parseFloat(event.currentTarget.value) * SECOND_MS);
            if (calmBaseMs >= 0 && calmBaseMs !== uploads.calmBaseMs) {
              set({ calmBaseMs, calmMaxMs: Math.max(uploads.calmMaxMs, calmBaseMs) });
            }
          }}
        />
      </SettingRow>
    </section>
  );
}

/** With the session, or by hand. */
export function StartCard({ settings, onChange }: CardProps) {
  return (
    <section className="card setting-card">
      <h2>{texts.settings.start}</h2>
      <SettingRow name={texts.settings.startAtLogin} text={texts.settings.startText}>
        <Switch
          aria-label={texts.settings.startAtLogin}
          checked={settings.startAtLogin}
          onChange={(event) => onChange({ startAtLogin: event.currentTarget.checked })}
        />
      </SettingRow>
    </section>
  );
}

/** One per folder and event, never one per file. */
export function NotificationsCard({ settings, onChange }: CardProps) {
  const { notifications } = settings;
  return (
    <section className="card setting-card">
      <h2>{texts.settings.notifications}</h2>
      <Checkbox
        className="setting"
        label={texts.settings.needsYou}
        checked={notifications.needsYou}
        onChange={(event) =>
          onChange({ notifications: { ...notifications, needsYou: event.currentTarget.checked } })
        }
      />
      <Checkbox
        className="setting"
        label={texts.settings.folderSaved}
        checked={notifications.folderSaved}
        onChange={(event) =>
          onChange({ notifications: { ...notifications, folderSaved: event.currentTarget.checked } })
        }
      />
    </section>
  );
}

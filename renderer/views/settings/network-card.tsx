import { ActionIcon, Button, NumberInput, Switch, TextInput } from '@mantine/core';
import { X } from 'lucide-react';
import { useState } from 'react';
import { speedText } from '../../format.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import type { CardProps } from './card-props.ts';
import { SettingRow } from './setting-row.tsx';

const MIB = 1024 * 1024;
/** What the switch turns on when nothing was set before: a tenth of a gigabit line, roughly. */
const FIRST_LIMIT_MIB = 12;

function LimitRow({ settings, snapshot, onChange }: CardProps) {
  const limitMib = settings.network.uploadLimitBytesPerSecond / MIB;
  const [lastMib, setLastMib] = useState(limitMib === 0 ? FIRST_LIMIT_MIB : limitMib);
  const set = (mib: number) =>
    onChange({ network: { ...settings.network, uploadLimitBytesPerSecond: Math.round(mib * MIB) } });
  return (
    <SettingRow
      name={texts.settings.limit}
      text={texts.settings.limitNow(speedText(snapshot.throughput.bytesPerSecond))}
    >
      <NumberInput
        size="xs"
        w="6.5rem"
        hideControls
        aria-label={texts.settings.limitValue}
        min={0.1}
        max={100_000}
        decimalScale={1}
        disabled={limitMib === 0}
        suffix={` ${texts.throughput.unit}`}
        value={limitMib === 0 ? lastMib : limitMib}
        onBlur={(event) => {
          const mib = Number.parseFloat(event.currentTarget.value);
          if (mib > 0 && mib !== limitMib) {
            setLastMib(mib);
            set(mib);
          }
        }}
      />
      <Switch
        aria-label={texts.settings.limit}
        checked={limitMib > 0}
        onChange={(event) => set(event.currentTarget.checked ? lastMib : 0)}
      />
    </SettingRow>
  );
}

function CaRow({ settings, onChange }: CardProps) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const { caFile } = settings.account;
  const choose = bridge.shell.chooseCaFile;
  const set = (path: string | null) => onChange({ account: { ...settings.account, caFile: path } });
  return (
    <SettingRow name={texts.settings.ca} text={texts.settings.caText}>
      <span className={caFile === null ? 'quieter' : 'mono cut ca-name'} title={caFile ?? undefined}>
        {caFile === null ? texts.settings.caNone : caFile.replace(/^.*[\\/]/, '')}
      </span>
      {caFile !== null && (
        <ActionIcon aria-label={texts.settings.caRemove} onClick={() => set(null)}>
          <X className="icon icon-small" aria-hidden="true" />
        </ActionIcon>
      )}
      {choose !== undefined && (
        <Button
          size="xs"
          onClick={async () => {
            const path = await attempt(choose({}));
            if (path !== null && path !== undefined) {
              set(path);
            }
          }}
        >
          {texts.settings.caChoose}
        </Button>
      )}
    </SettingRow>
  );
}

/** The way to the cluster. */
export function NetworkCard(props: CardProps) {
  const { settings, onChange } = props;
  return (
    <section className="card setting-card">
      <h2>{texts.settings.network}</h2>
      <LimitRow {...props} />
      <SettingRow name={texts.settings.proxy} text={texts.settings.proxyText}>
        <TextInput
          size="xs"
          w="11rem"
          aria-label={texts.settings.proxy}
          placeholder={texts.settings.proxyPlaceholder}
          defaultValue={settings.network.proxy ?? ''}
          onBlur={(event) => {
            const proxy = event.currentTarget.value.trim() === '' ? null : event.currentTarget.value.trim();
            if (proxy !== settings.network.proxy) {
              onChange({ network: { ...settings.network, proxy } });
            }
          }}
        />
      </SettingRow>
      <CaRow {...props} />
      {settings.account.allowPlainHttpKeep && (
        <SettingRow name={texts.settings.plainHttp} text={texts.settings.plainHttpText}>
          <Switch
            aria-label={texts.settings.plainHttp}
            checked
            onChange={() => onChange({ account: { ...settings.account, allowPlainHttpKeep: false } })}
          />
        </SettingRow>
      )}
    </section>
  );
}

import { Button } from '@mantine/core';
import { dateText } from '../../format.ts';
import { placeToHash } from '../../state/places.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import type { CardProps } from './card-props.ts';
import { SettingRow } from './setting-row.tsx';

function initials(name: string): string {
  const parts = name.split(/[\s.@_-]+/).filter((part) => part !== '');
  return `${parts[0]?.[0] ?? ''}${parts.length > 1 ? (parts[1]?.[0] ?? '') : ''}`.toUpperCase();
}

/** Who, where, and how long the token lasts. */
export function AccountCard({ snapshot }: Pick<CardProps, 'snapshot'>) {
  const { bridge, about } = useWindow();
  const { attempt } = useAct();
  const { account } = snapshot;
  const signedIn = account.host !== null || account.local;
  const { signOut, signIn } = bridge.shell;
  const signInLink = placeToHash({ view: 'sign-in' });
  return (
    <section className="card setting-card">
      <h2>{texts.settings.account}</h2>
      <div className="setting">
        {signedIn && (
          <span className="avatar" aria-hidden="true">
            {initials(account.user ?? account.host ?? texts.app)}
          </span>
        )}
        <div className="grow">
          <b className="cut">{signedIn ? (account.user ?? account.host) : texts.settings.signedOut}</b>
          <div className="small quieter cut">
            {account.local ? texts.settings.local : signedIn ? account.host : texts.settings.signedOutText}
          </div>
        </div>
        <div className="row">
          {signIn !== undefined && (
            <Button size="xs" component="a" href={signInLink} variant={signedIn ? 'default' : 'filled'}>
              {signedIn ? texts.settings.change : texts.settings.signIn}
            </Button>
          )}
          {signedIn && signOut !== undefined && (
            <Button size="xs" onClick={() => attempt(signOut({}))}>
              {texts.settings.signOut}
            </Button>
          )}
        </div>
      </div>
      {signedIn && !account.local && (
        <SettingRow
          name={
            account.tokenExpiresAtMs === null
              ? texts.settings.tokenEnds
              : texts.settings.tokenUntil(dateText(account.tokenExpiresAtMs))
          }
          text={about === null ? undefined : texts.settings.tokenKept[about.tokenIsKept](about.systemName)}
        >
          {signIn !== undefined && (
            <Button size="xs" component="a" href={signInLink}>
              {texts.settings.renew}
            </Button>
          )}
        </SettingRow>
      )}
    </section>
  );
}

import { Button, Collapse, PasswordInput, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { ChevronDown, ChevronRight, RotateCw } from 'lucide-react';
import { useState } from 'react';
import type { About, SignIn } from '../../../src/contract/shell.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { Checklist } from './checklist.tsx';
import type { StepProps } from './draft.ts';
import { StepButtons, StepPage } from './step-page.tsx';
import { useChecks } from './use-checks.ts';

/** Checks start when typing has paused for so long. */
const CHECK_AFTER_MS = 700;

const where = texts.firstRun.where;

interface Form {
  readonly host: string;
  readonly token: string;
  readonly caFile: string | null;
  readonly proxy: string;
}

/** `https://host/` as people paste it, as host. */
const cleanHost = (typed: string): string =>
  typed
    .trim()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '');

function HowToSignIn(props: {
  about: About | null;
  how: SignIn['how'];
  onHow: (how: SignIn['how']) => void;
}) {
  const { about, how, onHow } = props;
  const options: readonly { value: SignIn['how']; name: string; text: string }[] = [
    { value: 'token', name: where.token[0], text: where.token[1] },
    ...(about?.environmentHost === null || about?.environmentHost === undefined
      ? []
      : [
          {
            value: 'environment' as const,
            name: where.environment,
            text: where.environmentFound(about.environmentFrom ?? 'environment', about.environmentHost),
          },
        ]),
    ...(about?.localCluster === true
      ? [{ value: 'local' as const, name: where.local[0], text: where.local[1] }]
      : []),
  ];
  return (
    <fieldset className="choices">
      <legend className="visually-hidden">{where.how}</legend>
      {options.map((option) => (
        <label key={option.value} className="choice">
          <input
            type="radio"
            name="how"
            value={option.value}
            checked={how === option.value}
            onChange={() => onHow(option.value)}
          />
          <span className="choice-text">
            <b>{option.name}</b>
            <span className="small quiet">{option.text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function MoreFields({ form, onForm }: { form: Form; onForm: (change: Partial<Form>) => void }) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [open, setOpen] = useState(false);
  const choose = bridge.shell.chooseCaFile;
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <div>
      <UnstyledButton className="more" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Chevron className="icon icon-small" aria-hidden="true" />
        {where.more}
      </UnstyledButton>
      <Collapse expanded={open} transitionDuration={0}>
        <div className="more-fields">
          <TextInput
            label={texts.settings.proxy}
            placeholder={texts.settings.proxyPlaceholder}
            value={form.proxy}
            onChange={(event) => onForm({ proxy: event.currentTarget.value })}
          />
          {choose !== undefined && (
            <div className="row">
              <span className="grow cut">
                {texts.settings.ca}: <span className="mono">{form.caFile ?? texts.settings.caNone}</span>
              </span>
              <Button
                size="xs"
                onClick={() =>
                  void attempt(choose({})).then((path) => path !== undefined && onForm({ caFile: path }))
                }
              >
                {texts.settings.caChoose}
              </Button>
            </div>
          )}
        </div>
      </Collapse>
    </div>
  );
}

function TokenForm({
  form,
  onForm,
  about,
}: {
  form: Form;
  onForm: (change: Partial<Form>) => void;
  about: About | null;
}) {
  return (
    <div className="token-form">
      <TextInput
        label={where.host}
        placeholder={where.hostPlaceholder}
        value={form.host}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onForm({ host: event.currentTarget.value })}
      />
      <PasswordInput
        label={where.tokenLabel}
        {...(about === null ? {} : { description: where.tokenText[about.tokenIsKept](about.systemName) })}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        value={form.token}
        autoComplete="off"
        onChange={(event) => onForm({ token: event.currentTarget.value })}
      />
      <MoreFields form={form} onForm={onForm} />
    </div>
  );
}

function signInOf(how: SignIn['how'], form: Form): SignIn | null {
  if (how !== 'token') {
    return { how };
  }
  const host = cleanHost(form.host);
  const token = form.token.trim();
  const proxy = form.proxy.trim() === '' ? null : form.proxy.trim();
  return host === '' || token === '' ? null : { how, host, token, caFile: form.caFile, proxy };
}

/** Which cluster, and whether everything on the way to it works. */
export function WhereStep({ onNext, onBack, onSignIn }: StepProps & { readonly onSignIn: () => void }) {
  const { bridge, about } = useWindow();
  const { attempt } = useAct();
  const [how, setHow] = useState<SignIn['how']>('token');
  const [form, setForm] = useState<Form>({ host: '', token: '', caFile: null, proxy: '' });
  const [busy, setBusy] = useState(false);
  const [settled] = useDebouncedValue(form, CHECK_AFTER_MS);
  const wanted = signInOf(how, settled);
  const current = signInOf(how, form);
  const { check, signIn } = bridge.shell;
  // the local cluster is made by signing in: there is nothing to check before
  const checked = check !== undefined && how !== 'local';
  const checks = useChecks(checked ? wanted : null);
  const fresh = JSON.stringify(wanted) === JSON.stringify(current);
  const ready = signIn !== undefined && current !== null && (!checked || (fresh && checks.allPassed));
  const enter = async () => {
    if (signIn === undefined || current === null) {
      return;
    }
    setBusy(true);
    onSignIn();
    const done = await attempt(signIn(current));
    setBusy(false);
    if (done !== undefined) {
      onNext();
    }
  };
  return (
    <StepPage
      title={where.title}
      text={where.text}
      note={checked ? where.summary(checks.passed, 6) : ''}
      actions={
        <StepButtons
          onBack={onBack}
          next={texts.common.continue}
          onNext={() => void enter()}
          ready={ready}
          busy={busy}
        />
      }
    >
      {signIn === undefined ? (
        <p>{where.noSignIn}</p>
      ) : (
        <>
          <HowToSignIn about={about} how={how} onHow={setHow} />
          <div className="two-columns">
            {how === 'token' ? (
              <TokenForm
                form={form}
                onForm={(change) => setForm((before) => ({ ...before, ...change }))}
                about={about}
              />
            ) : (
              <div />
            )}
            {checked && (
              <div>
                <Checklist checks={checks} />
                {!checks.running && !checks.allPassed && wanted !== null && (
                  <Button
                    className="check-again"
                    size="xs"
                    leftSection={<RotateCw className="icon icon-small" aria-hidden="true" />}
                    onClick={checks.again}
                  >
                    {where.check}
                  </Button>
                )}
              </div>
            )}
          </div>
        </>
      )}
    </StepPage>
  );
}

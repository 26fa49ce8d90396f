import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { Check, ChevronDown, ChevronRight, Copy } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { CAUSES, type ProblemAction } from '../../../src/contract/problems.ts';
import type { FolderStatus, ProblemGroup } from '../../../src/contract/status.ts';
import { middleCut } from '../../../src/contract/words.ts';
import { momentText } from '../../format.ts';
import { useCopy } from '../../parts/use-copy.ts';
import { folderPlace } from '../../state/places.ts';
import { useAct, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';
import { detailsText, folderOf } from './problem-actions.ts';
import { AskDialog, ExcludeDialog, FilesDialog } from './problem-dialogs.tsx';
import { ProblemIcon } from './problem-icon.tsx';

type Dialog = 'files' | 'exclude' | 'deletes' | 'allow';

const ACTIONS = [
  'sign-in',
  'confirm-deletes',
  'retry',
  'show-file',
  'allow',
  'exclude',
] as const satisfies readonly ProblemAction[];

/** What is gone, and that the collection still has it: the message tells more than the advice, which the buttons give. */
const IN_ITS_OWN_WORDS: ReadonlySet<ProblemGroup['code']> = new Set(['MASS_DELETE', 'ROOT_GONE']);

/** As much as has room in a window of usual width. */
const WHERE_MAX_LENGTH = 42;

interface RowProps {
  readonly group: ProblemGroup;
  readonly folders: readonly FolderStatus[];
  readonly nowMs: number;
  readonly unfolded: boolean;
}

/** What the buttons of a group do. */
function useActions(group: ProblemGroup, folders: readonly FolderStatus[]) {
  const { bridge, go } = useWindow();
  const { run, attempt } = useAct();
  const { folderId } = group;
  return {
    retry: () => run('folders.retry', { folderId, problemId: group.id }),
    showFile: () => {
      const path = group.examplePath;
      if (folderId === null || path === null) {
        return;
      }
      const show = bridge.shell.showFile;
      if (show === undefined) {
        go(folderPlace(folderId, 'files', path));
      } else {
        void attempt(show({ folderId, path }));
      }
    },
    signIn: () => go({ view: 'sign-in' }),
    keepCollection: async () => {
      if (
        folderId !== null &&
        (await run('folders.set', { folderId, change: { deletes: 'keep' } })) !== undefined
      ) {
        await run('folders.retry', { folderId, problemId: group.id });
      }
    },
    confirmDeletes: () => (folderId === null ? undefined : run('folders.confirmDeletes', { folderId })),
    allow: async () => {
      if (group.code === 'PLAIN_HTTP') {
        const settings = await run('settings.get', {});
        if (settings !== undefined) {
          await run('settings.set', { account: { ...settings.account, allowPlainHttpKeep: true } });
        }
      } else if (folderId !== null) {
        const current = await run('folders.get', { folderId });
        if (current !== undefined) {
          await run('folders.set', {
            folderId,
            change: { rules: { ...current.config.rules, allowUnreadableNames: true } },
          });
        }
      }
    },
    details: () => detailsText(group, folders, Date.now()),
  };
}

type Actions = ReturnType<typeof useActions>;

function CopyDetails({ text }: { text: () => string }) {
  const { copy, copied } = useCopy();
  const Icon = copied ? Check : Copy;
  const label = texts.problems.action['copy-details'];
  return (
    <Tooltip label={copied ? texts.common.copied : label}>
      <ActionIcon variant="default" aria-label={label} onClick={() => copy(text())}>
        <Icon className="icon icon-small" aria-hidden="true" />
      </ActionIcon>
    </Tooltip>
  );
}

function ActionButtons(props: {
  group: ProblemGroup;
  actions: Actions;
  onDialog: (dialog: Dialog) => void;
  children: ReactNode;
}) {
  const { group, actions, onDialog, children } = props;
  const offered = ACTIONS.filter(
    (action) => group.actions.includes(action) && !(action === 'show-file' && group.examplePath === null),
  );
  const simple: Record<Exclude<ProblemAction, 'confirm-deletes' | 'copy-details'>, () => void> = {
    retry: () => void actions.retry(),
    'show-file': actions.showFile,
    exclude: () => onDialog('exclude'),
    'sign-in': actions.signIn,
    allow: () => onDialog('allow'),
  };
  return (
    <div className="problem-actions">
      {offered.map((action, index) => {
        if (action === 'confirm-deletes') {
          return (
            <span key={action} className="row">
              <Button size="xs" onClick={() => void actions.keepCollection()}>
                {texts.problems.action.keep}
              </Button>
              <Button size="xs" onClick={() => onDialog('deletes')}>
                {texts.problems.action['confirm-deletes']}
              </Button>
            </span>
          );
        }
        const first = index === 0 && group.kind === 'needs-you' && action === 'sign-in';
        return (
          <Button key={action} size="xs" variant={first ? 'filled' : 'default'} onClick={simple[action]}>
            {texts.problems.action[action]}
          </Button>
        );
      })}
      <CopyDetails text={actions.details} />
      {children}
    </div>
  );
}

function Details({ group, folders, nowMs }: Omit<RowProps, 'unfolded'>) {
  const folder = folderOf(group, folders);
  return (
    <div className="problem-details">
      <dl>
        <dt>{texts.problems.serverSaid}</dt>
        <dd>{group.message}</dd>
        {group.requestId !== null && (
          <>
            <dt>{texts.problems.request}</dt>
            <dd className="mono">{group.requestId}</dd>
          </>
        )}
        {folder !== null && (
          <>
            <dt>{texts.problems.folder}</dt>
            <dd>{folder.name}</dd>
          </>
        )}
        <dt>{texts.problems.sinceLabel}</dt>
        <dd>{momentText(group.sinceMs, nowMs)}</dd>
      </dl>
    </div>
  );
}

/** Where it is: the folder, and one of the files. Long names are cut in the middle, where they differ least. */
function Example({
  group,
  folder,
  onMore,
}: {
  group: ProblemGroup;
  folder: FolderStatus | null;
  onMore: () => void;
}) {
  const where = [folder?.name, group.examplePath].filter((part) => typeof part === 'string').join('/');
  if (where === '') {
    return null;
  }
  return (
    <div className="problem-example">
      <span className="mono cut" title={where}>
        {middleCut(where, WHERE_MAX_LENGTH)}
      </span>
      {group.examplePath !== null && group.count > 1 && (
        <button type="button" className="link small" onClick={onMore}>
          {texts.problems.andMore(group.count - 1)}
        </button>
      )}
    </div>
  );
}

function Dialogs({
  dialog,
  group,
  actions,
  onClose,
}: {
  dialog: Dialog | null;
  group: ProblemGroup;
  actions: Actions;
  onClose: () => void;
}) {
  switch (dialog) {
    case 'files':
      return <FilesDialog group={group} onClose={onClose} />;
    case 'exclude':
      return <ExcludeDialog group={group} onClose={onClose} />;
    case 'deletes':
      return (
        <AskDialog
          title={texts.problems.deletesTitle}
          text={texts.problems.deletesText}
          action={texts.problems.deletesDo}
          onYes={() => void actions.confirmDeletes()}
          onClose={onClose}
        />
      );
    case 'allow':
      return (
        <AskDialog
          title={group.code === 'PLAIN_HTTP' ? texts.problems.allowHttpTitle : texts.problems.allowNameTitle}
          text={group.code === 'PLAIN_HTTP' ? texts.problems.allowHttpText : texts.problems.allowNameText}
          action={texts.problems.allowDo}
          onYes={() => void actions.allow()}
          onClose={onClose}
        />
      );
    case null:
      return null;
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** One cause: what, why, how many, an example, and what can be done. */
export function ProblemRow({ group, folders, nowMs, unfolded }: RowProps) {
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [open, setOpen] = useState(unfolded);
  const actions = useActions(group, folders);
  const Fold = open ? ChevronDown : ChevronRight;
  return (
    <li className={`problem of-${group.kind}`}>
      <ProblemIcon group={group} />
      <div className="problem-what">
        <h3>{capital(CAUSES[group.code].reason)}</h3>
        <p className="quiet">{IN_ITS_OWN_WORDS.has(group.code) ? group.message : group.advice}</p>
        <Example group={group} folder={folderOf(group, folders)} onMore={() => setDialog('files')} />
      </div>
      <div className="problem-count">
        {group.examplePath !== null && <b>{texts.problems.files(group.count)}</b>}
        <span className="small quiet">
          {group.nextTryAtMs === null
            ? texts.problems.since(momentText(group.sinceMs, nowMs))
            : texts.problems.nextTry(Math.round((group.nextTryAtMs - nowMs) / 1000))}
        </span>
      </div>
      <ActionButtons group={group} actions={actions} onDialog={setDialog}>
        <Tooltip label={texts.problems.details}>
          <ActionIcon
            variant="default"
            aria-label={texts.problems.details}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <Fold className="icon icon-small" aria-hidden="true" />
          </ActionIcon>
        </Tooltip>
      </ActionButtons>
      {open && <Details group={group} folders={folders} nowMs={nowMs} />}
      <Dialogs dialog={dialog} group={group} actions={actions} onClose={() => setDialog(null)} />
    </li>
  );
}

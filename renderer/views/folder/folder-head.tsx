import { ActionIcon, Button, Menu, Modal } from '@mantine/core';
import { ArrowRight, Ellipsis, ExternalLink, FolderOpen } from 'lucide-react';
import { useState } from 'react';
import type { FolderStatus } from '../../../src/contract/status.ts';
import { momentText, parentPath, shortHash } from '../../format.ts';
import { CopyButton } from '../../parts/copy-button.tsx';
import { PauseMenu } from '../../parts/pause-menu.tsx';
import { useAct, useNow, useWindow } from '../../state/window-context.tsx';
import { texts } from '../../words.ts';

/** Path → collection (link to Workbench), last save, PDH. */
function Facts({ folder }: { folder: FolderStatus }) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const nowMs = useNow(10_000);
  const open = bridge.shell.openExternalWorkbench;
  const openWorkbench = async () => {
    const answer = await attempt(open?.({ folderId: folder.id }));
    if (answer?.url !== null && answer?.url !== undefined) {
      window.open(answer.url, '_blank', 'noopener,noreferrer');
    }
  };
  return (
    <div className="facts">
      <span className="row">
        <span className="cut" title={folder.path}>
          {parentPath(folder.path)}
        </span>
        <ArrowRight className="icon" aria-hidden="true" />
        {open === undefined || folder.collectionUuid === null ? (
          <span className="cut">{folder.collectionName}</span>
        ) : (
          <button
            type="button"
            className="link workbench"
            aria-label={texts.folder.openWorkbench(folder.collectionName)}
            onClick={openWorkbench}
          >
            <span className="cut">{folder.collectionName}</span>
            <ExternalLink className="icon icon-small" aria-hidden="true" />
          </button>
        )}
      </span>
      <span className="quieter">
        {folder.lastSaveAtMs === null
          ? texts.folder.neverSaved
          : texts.folder.lastSave(momentText(folder.lastSaveAtMs, nowMs))}
      </span>
      {folder.portableDataHash !== null && (
        <span className="row">
          <abbr className="quieter" title={texts.folder.pdhLong}>
            {texts.folder.pdh}
          </abbr>
          <span className="mono" title={folder.portableDataHash}>
            {shortHash(folder.portableDataHash)}
          </span>
          <CopyButton text={folder.portableDataHash} label={texts.folder.copyPdh} />
        </span>
      )}
    </div>
  );
}

function RemoveDialog({
  folder,
  opened,
  onClose,
}: {
  folder: FolderStatus;
  opened: boolean;
  onClose: () => void;
}) {
  const { run } = useAct();
  const { go } = useWindow();
  const { saved, ...rest } = folder.bar;
  const unsavedBytes = Object.values(rest).reduce((sum, amount) => sum + amount.bytes, 0);
  const remove = async () => {
    onClose();
    if ((await run('folders.remove', { folderId: folder.id })) !== undefined) {
      go({ view: 'overview' });
    }
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={texts.folder.removeTitle}
      closeButtonProps={{ 'aria-label': texts.common.close }}
    >
      <p>{texts.folder.removeText}</p>
      {unsavedBytes > 0 && <p className="need">{texts.folder.removeUnsaved(unsavedBytes)}</p>}
      <div className="modal-actions">
        <Button onClick={onClose}>{texts.common.cancel}</Button>
        <Button variant="filled" onClick={remove}>
          {texts.folder.remove}
        </Button>
      </div>
    </Modal>
  );
}

/** Name, facts and what can be done with the whole folder. */
export function FolderHead({ folder }: { folder: FolderStatus }) {
  const { bridge } = useWindow();
  const { run, attempt } = useAct();
  const [removing, setRemoving] = useState(false);
  const show = bridge.shell.showFile;
  return (
    <header className="folder-head">
      <div className="grow">
        <h1 className="cut" title={folder.name}>
          {folder.name}
        </h1>
        <Facts folder={folder} />
      </div>
      <div className="row">
        <PauseMenu folderId={folder.id} paused={folder.phase === 'paused'} />
        {show !== undefined && (
          <Button
            leftSection={<FolderOpen className="icon" aria-hidden="true" />}
            onClick={() => attempt(show({ folderId: folder.id, path: null }))}
          >
            {texts.folder.show}
          </Button>
        )}
        <Menu>
          <Menu.Target>
            <ActionIcon variant="default" size="2rem" aria-label={texts.common.more}>
              <Ellipsis className="icon" aria-hidden="true" />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => run('folders.rescan', { folderId: folder.id })}>
              {texts.folder.rescan}
            </Menu.Item>
            <Menu.Item onClick={() => run('folders.retry', { folderId: folder.id })}>
              {texts.folder.retry}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item onClick={() => setRemoving(true)}>{texts.folder.remove}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <RemoveDialog folder={folder} opened={removing} onClose={() => setRemoving(false)} />
    </header>
  );
}

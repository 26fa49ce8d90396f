import { Button, Modal } from '@mantine/core';
import { LogOut } from 'lucide-react';
import { useState } from 'react';
import { STAGES, type StatusSnapshot } from '../../src/contract/status.ts';
import { useAct } from '../state/window-context.tsx';
import { texts } from '../words.ts';
import { allSaved } from './verdict.tsx';

/** Quitting from the window, for systems without a tray. Asks where something is not saved yet. */
export function QuitButton({ snapshot }: { snapshot: StatusSnapshot }) {
  const { run } = useAct();
  const [asking, setAsking] = useState(false);
  const close = () => setAsking(false);
  const quit = (how: 'finish' | 'now') => {
    close();
    void run('owner.stop', { how });
  };
  const unsavedBytes = STAGES.reduce(
    (sum, stage) => sum + (stage === 'saved' ? 0 : snapshot.bar[stage].bytes),
    0,
  );
  return (
    <>
      <button
        type="button"
        className="nav-item"
        onClick={() => (allSaved(snapshot.bar) ? quit('now') : setAsking(true))}
      >
        <LogOut className="icon" aria-hidden="true" />
        <span className="name">{texts.quit.button}</span>
      </button>
      <Modal
        opened={asking}
        onClose={close}
        title={texts.quit.title}
        closeButtonProps={{ 'aria-label': texts.common.close }}
      >
        <p className="quiet">{texts.quit.text(unsavedBytes)}</p>
        <div className="modal-actions">
          <Button onClick={close}>{texts.common.cancel}</Button>
          <Button onClick={() => quit('now')}>{texts.quit.now}</Button>
          <Button variant="filled" onClick={() => quit('finish')} data-autofocus>
            {texts.quit.finish}
          </Button>
        </div>
      </Modal>
    </>
  );
}

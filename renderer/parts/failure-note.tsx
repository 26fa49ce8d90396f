import { ActionIcon } from '@mantine/core';
import { Copy, X } from 'lucide-react';
import { useWindow } from '../state/window-context.tsx';
import { texts } from '../words.ts';
import { TrayMark } from './tray-mark.tsx';
import { useCopy } from './use-copy.ts';

/** What the last action said when it failed: the message, what to do, and the server's request id. */
export function FailureNote() {
  const { failure, setFailure } = useWindow();
  const { copy } = useCopy();
  if (failure === null) {
    return null;
  }
  return (
    <div className="failure" role="alert">
      <TrayMark state="error" />
      <div className="grow">
        <b>{failure.message}</b>
        {failure.action !== null && <p className="quiet">{failure.action}</p>}
        {failure.requestId !== null && <p className="mono">{failure.requestId}</p>}
      </div>
      <ActionIcon
        aria-label={texts.failure.copy}
        onClick={() =>
          copy([failure.code, failure.message, failure.action, failure.requestId].filter(Boolean).join('\n'))
        }
      >
        <Copy className="icon" aria-hidden="true" />
      </ActionIcon>
      <ActionIcon aria-label={texts.failure.dismiss} onClick={() => setFailure(null)}>
        <X className="icon" aria-hidden="true" />
      </ActionIcon>
    </div>
  );
}

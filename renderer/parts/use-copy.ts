import { useCallback, useEffect, useState } from 'react';
import { useAct, useWindow } from '../state/window-context.tsx';

const SHOWN_MS = 1_500;

/** Copies a text through the shell, or through the browser where the shell does not offer it. */
export function useCopy(): { copy: (text: string) => void; copied: boolean } {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = useCallback(
    (text: string) => {
      const work = async () => {
        await (bridge.shell.copyText?.({ text }) ?? navigator.clipboard.writeText(text));
        return true;
      };
      void attempt(work()).then((done) => setCopied(done === true));
    },
    [bridge, attempt],
  );
  return { copy, copied };
}

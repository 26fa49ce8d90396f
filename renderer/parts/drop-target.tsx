import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useAct, useWindow } from '../state/window-context.tsx';

export interface DropTargetProps {
  readonly className: string;
  readonly onFolder: (path: string) => void;
  readonly children: ReactNode;
}

/**
 * A place for a dropped folder, where the shell can tell its path. Dropping is a shortcut: everything in it can be done
 * without, so to assistive technology it is no control.
 */
export function DropTarget({ className, onFolder, children }: DropTargetProps) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const place = useRef<HTMLDivElement>(null);
  const take = useRef(onFolder);
  take.current = onFolder;
  const [over, setOver] = useState(false);
  const { acceptDrop } = bridge.shell;
  useEffect(() => {
    const target = place.current;
    if (target === null || acceptDrop === undefined) {
      return;
    }
    const stop = new AbortController();
    const { signal } = stop;
    target.addEventListener(
      'dragover',
      (event) => {
        event.preventDefault();
        setOver(true);
      },
      { signal },
    );
    target.addEventListener('dragleave', () => setOver(false), { signal });
    target.addEventListener(
      'drop',
      (event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) {
          void attempt(acceptDrop(file)).then((path) => typeof path === 'string' && take.current(path));
        }
      },
      { signal },
    );
    return () => stop.abort();
  }, [acceptDrop, attempt]);
  return (
    <div ref={place} className={over ? `${className} is-over` : className}>
      {children}
    </div>
  );
}

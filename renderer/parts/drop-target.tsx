import { type ReactNode, useState } from 'react';
import { useAct, useWindow } from '../state/window-context.tsx';

export interface DropTargetProps {
  readonly className: string;
  readonly onFolder: (path: string) => void;
  readonly children: ReactNode;
}

/** A place for a dropped folder, where the shell can tell its path. Everything in it can be done without dropping. */
export function DropTarget({ className, onFolder, children }: DropTargetProps) {
  const { bridge } = useWindow();
  const { attempt } = useAct();
  const [over, setOver] = useState(false);
  const { acceptDrop } = bridge.shell;
  if (acceptDrop === undefined) {
    return <div className={className}>{children}</div>;
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut for the button inside, not a control
    <div
      className={over ? `${className} is-over` : className}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={async (event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer.files[0];
        const path = file === undefined ? null : await attempt(acceptDrop(file));
        if (path !== null && path !== undefined) {
          onFolder(path);
        }
      }}
    >
      {children}
    </div>
  );
}

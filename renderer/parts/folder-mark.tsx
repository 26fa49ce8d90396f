import type { FolderStatus } from '../../src/contract/status.ts';
import { Glyph } from './glyph.tsx';
import { TrayMark } from './tray-mark.tsx';

/** The state of a folder as one drawing. The check of Saved is shown of nothing but a folder that is all saved. */
export function FolderMark({ folder, size = 14 }: { folder: FolderStatus; size?: number }) {
  switch (folder.tray) {
    case 'ready':
      return <Glyph stage={folder.percentSaved === 100 ? 'saved' : 'waiting'} size={size} />;
    case 'syncing':
      return <Glyph stage="uploading" size={size} />;
    default:
      return <TrayMark state={folder.tray} size={size} />;
  }
}

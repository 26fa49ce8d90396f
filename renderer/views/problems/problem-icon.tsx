import {
  CloudOff,
  Copy,
  FilePen,
  FileWarning,
  FileX,
  FolderX,
  HardDrive,
  KeyRound,
  Lock,
  type LucideIcon,
  Server,
  ShieldAlert,
  TypeOutline,
} from 'lucide-react';
import type { ProblemGroup } from '../../../src/contract/status.ts';

const ICONS: Partial<Record<ProblemGroup['code'], LucideIcon>> = {
  OFFLINE: CloudOff,
  TIMEOUT: CloudOff,
  FILE_CHANGED: FilePen,
  FILE_BUSY: Lock,
  FILE_DENIED: Lock,
  FORBIDDEN: Lock,
  FILE_GONE: FileX,
  FILE_BROKEN: HardDrive,
  DISK_FULL: HardDrive,
  BAD_NAME: TypeOutline,
  ROOT_GONE: FolderX,
  MASS_DELETE: FolderX,
  TARGET_GONE: FolderX,
  CONFLICT: Copy,
  NOT_SIGNED_IN: KeyRound,
  TLS: ShieldAlert,
  PLAIN_HTTP: ShieldAlert,
};

/** What kind of thing it is about: decoration beside the words. */
export function ProblemIcon({ group }: { group: ProblemGroup }) {
  const isFile = group.code.startsWith('FILE_');
  const Icon = ICONS[group.code] ?? (isFile ? FileWarning : Server);
  return (
    <span className={`problem-icon of-${group.kind}`} aria-hidden="true">
      <Icon className="icon" />
    </span>
  );
}

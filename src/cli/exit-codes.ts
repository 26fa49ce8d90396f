import type { ErrorCode } from '../base/errors.ts';
import type { StatusSnapshot } from '../contract/status.ts';

/** What a script can rely on: 0 all saved, 1 failed, 2 work still pending, 64 usage (EX_USAGE of sysexits). */
export const EXIT = { saved: 0, failed: 1, pending: 2, usage: 64 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case 'USAGE':
      return EXIT.usage;
    case 'CANCELLED':
      return EXIT.pending;
    default:
      return EXIT.failed;
  }
}

/** Of a whole profile: only `ready` is saved, what needs a person has failed, the rest is pending. */
export function exitCodeOfStatus(snapshot: StatusSnapshot): ExitCode {
  if (snapshot.tray === 'ready') {
    return EXIT.saved;
  }
  return snapshot.tray === 'error' || snapshot.tray === 'attention' ? EXIT.failed : EXIT.pending;
}

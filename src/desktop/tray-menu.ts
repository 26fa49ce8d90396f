import type { Place } from '../contract/shell.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { StatusSnapshot } from '../contract/status.ts';
import { middleCut } from '../contract/words.ts';

export type PauseLength = 'hour' | 'tomorrow' | 'until-resume';

/** What choosing an item does. */
export type TrayAction =
  | { readonly do: 'open' }
  | { readonly do: 'place'; readonly place: Place }
  | { readonly do: 'pause'; readonly how: PauseLength }
  | { readonly do: 'resume' }
  | { readonly do: 'retry' }
  | { readonly do: 'quit' };

/** An item as data; an item without an action or a submenu is a line to read. */
export type TrayItem =
  | { readonly kind: 'line' }
  | { readonly kind: 'text'; readonly label: string }
  | { readonly kind: 'action'; readonly label: string; readonly action: TrayAction }
  | { readonly kind: 'submenu'; readonly label: string; readonly items: readonly TrayItem[] };

const HOUR_MS = 3_600_000;
/** Six in the morning: "until tomorrow" means the next working day's start, as in the window. */
const MORNING_HOUR = 6;
/** Menus of some systems grow with their longest line. */
const LABEL_MAX_LENGTH = 60;
/** More folders than this are looked for in the window. */
const FOLDERS_MAX = 20;

/** When a pause that is chosen now ends by itself; null: not at all. */
export function pauseEndMs(how: PauseLength, nowMs: number): number | null {
  if (how !== 'tomorrow') {
    return how === 'hour' ? nowMs + HOUR_MS : null;
  }
  const at = new Date(nowMs);
  at.setDate(at.getDate() + 1);
  at.setHours(MORNING_HOUR, 0, 0, 0);
  return at.getTime();
}

const LINE: TrayItem = { kind: 'line' };

/** Every action that the tray offers at this moment; what does not apply is left out. */
export function trayMenu(snapshot: StatusSnapshot): readonly TrayItem[] {
  const words = shellWords.tray;
  const action = (label: string, wanted: TrayAction): TrayItem => ({ kind: 'action', label, action: wanted });
  const place = (label: string, wanted: Place): TrayItem => action(label, { do: 'place', place: wanted });
  const { folders, problems } = snapshot;
  const needsYou = problems.filter((problem) => problem.kind === 'needs-you').length;
  const isPaused = folders.length > 0 && folders.every((folder) => folder.phase === 'paused');
  const someArePaused = folders.some((folder) => folder.phase === 'paused');
  const retries = problems.some((problem) => problem.actions.includes('retry'));
  return [
    { kind: 'text', label: middleCut(snapshot.verdict.sentence, LABEL_MAX_LENGTH) },
    LINE,
    action(words.open, { do: 'open' }),
    ...(problems.length === 0 ? [] : [place(words.problems(needsYou), { view: 'problems' })]),
    ...(folders.length === 0 || isPaused
      ? []
      : [
          {
            kind: 'submenu' as const,
            label: words.pause,
            items: [
              action(words.pauseHour, { do: 'pause', how: 'hour' }),
              action(words.pauseTomorrow, { do: 'pause', how: 'tomorrow' }),
              action(words.pauseUntilResume, { do: 'pause', how: 'until-resume' }),
            ],
          },
        ]),
    ...(someArePaused ? [action(words.resume, { do: 'resume' })] : []),
    ...(retries ? [action(words.retry, { do: 'retry' })] : []),
    ...(folders.length === 0
      ? []
      : [
          {
            kind: 'submenu' as const,
            label: words.folders,
            items: folders.slice(0, FOLDERS_MAX).map((folder) =>
              place(middleCut(`${folder.name}: ${folder.sentence}`, LABEL_MAX_LENGTH), {
                view: 'folder',
                folderId: folder.id,
                tab: 'files',
                search: '',
              }),
            ),
          },
        ]),
    LINE,
    place(words.settings, { view: 'settings' }),
    action(words.quit, { do: 'quit' }),
  ];
}

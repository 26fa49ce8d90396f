import type { Clock } from '../base/clock.ts';
import type { OpenJournal } from '../sync/journal-database.ts';
import { openThreadedJournal } from '../sync/threaded-journal.ts';

/** Opens the journal of a profile in its thread, and tells where one that was damaged went. Throws JOURNAL. */
export async function openProfileJournal(
  clock: Clock,
  request: { readonly journalFile: string; readonly tell: (message: string) => void },
): Promise<OpenJournal> {
  const journal = await openThreadedJournal({ path: request.journalFile, nowMs: clock.nowMs() });
  if (journal.movedAside !== null) {
    request.tell(`The journal was damaged and moved to ${journal.movedAside}; everything is looked at again`);
  }
  return journal;
}

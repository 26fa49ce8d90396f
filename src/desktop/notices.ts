import type { Settings } from '../contract/settings.ts';
import type { Place } from '../contract/shell.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { FolderStatus, StatusSnapshot } from '../contract/status.ts';
import { sizeText } from '../contract/words.ts';

/** What a person is told, and where a click leads. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  readonly place: Place;
}

/** An upload that a person has stopped watching: from the first unsaved byte to the last save (milliseconds). */
const LONG_UPLOAD_MS = 5 * 60_000;

const isSaved = (folder: FolderStatus): boolean => folder.tray === 'ready' && folder.percentSaved === 100;

/**
 * Turns snapshots into notices: one per folder and event, never one per file. A problem is told once while it stands; a
 * folder when it is saved after a long upload. The first snapshot tells what needs somebody, and nothing else.
 */
export class Notices {
  readonly #told = new Set<string>();
  /** Since when a folder has something unsaved. */
  readonly #unsavedSinceMs = new Map<string, number>();

  take(snapshot: StatusSnapshot, wanted: Settings['notifications']): readonly Notice[] {
    const notices = [...this.#needsYou(snapshot), ...this.#saved(snapshot)];
    return notices.flatMap(({ kind, notice }) => (wanted[kind] ? [notice] : []));
  }

  #needsYou(snapshot: StatusSnapshot) {
    const standing = snapshot.problems.filter((problem) => problem.kind === 'needs-you');
    const ids = new Set(standing.map((problem) => problem.id));
    for (const id of this.#told) {
      if (!ids.has(id)) {
        this.#told.delete(id);
      }
    }
    const fresh = standing.filter((problem) => !this.#told.has(problem.id));
    for (const problem of fresh) {
      this.#told.add(problem.id);
    }
    // several causes in one folder at once are one event to whoever sits there
    const first = new Map<string | null, (typeof fresh)[number]>();
    for (const problem of fresh) {
      if (!first.has(problem.folderId)) {
        first.set(problem.folderId, problem);
      }
    }
    return [...first.values()].map((problem) => {
      const folder = snapshot.folders.find((one) => one.id === problem.folderId);
      return {
        kind: 'needsYou' as const,
        notice: {
          title: shellWords.notifications.needsYou(folder?.name ?? null),
          body: `${problem.title}. ${problem.advice}`,
          place: { view: 'problems' } as const,
        },
      };
    });
  }

  #saved(snapshot: StatusSnapshot) {
    const done = [];
    for (const folder of snapshot.folders) {
      const sinceMs = this.#unsavedSinceMs.get(folder.id);
      if (!isSaved(folder)) {
        if (sinceMs === undefined) {
          this.#unsavedSinceMs.set(folder.id, snapshot.atMs);
        }
        continue;
      }
      this.#unsavedSinceMs.delete(folder.id);
      if (sinceMs !== undefined && snapshot.atMs - sinceMs >= LONG_UPLOAD_MS) {
        const { files, bytes } = folder.bar.saved;
        done.push({
          kind: 'folderSaved' as const,
          notice: {
            title: shellWords.notifications.saved(folder.name),
            body: shellWords.notifications.savedBody(files, sizeText(bytes)),
            place: { view: 'folder', folderId: folder.id, tab: 'files', search: '' } as const,
          },
        });
      }
    }
    for (const id of this.#unsavedSinceMs.keys()) {
      if (!snapshot.folders.some((folder) => folder.id === id)) {
        this.#unsavedSinceMs.delete(id);
      }
    }
    return done;
  }
}

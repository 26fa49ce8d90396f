import type { CollectionStore } from '../api/ports.ts';
import { KeepsyncError } from '../base/errors.ts';
import { applyReplaceFiles } from '../collection/replace-files.ts';

/**
 * A collection store for any Arvados. Without `replace_files` (before 3.0) a change is a full save right after a fresh
 * read, refused with BUSY where that is not what the change was made for; another writer's save between those two is lost
 * there. Newer clusters do not have this window.
 */
export function anyClusterStore(store: CollectionStore): CollectionStore {
  return {
    get: (uuid, signal) => store.get(uuid, signal),
    getWithManifest: (uuidOrPdh, signal) => store.getWithManifest(uuidOrPdh, signal),
    create: (wanted, signal) => store.create(wanted, signal),
    updateManifest: (uuid, manifestText, signal) => store.updateManifest(uuid, manifestText, signal),
    canReplaceFiles: (signal) => store.canReplaceFiles(signal),
    previousVersionPdh: (uuid, signal) => store.previousVersionPdh(uuid, signal),
    replaceFiles: async (uuid, change, signal) => {
      if (await store.canReplaceFiles(signal)) {
        return await store.replaceFiles(uuid, change, signal);
      }
      const fresh = await store.getWithManifest(uuid, signal);
      const isAnother = change.basedOn !== undefined && change.basedOn !== fresh.portableDataHash;
      if (isAnother) {
        // Meant for what was there a moment ago: the next look will find what came in between.
        throw new KeepsyncError('BUSY', 'Somebody else wrote into the collection at the same moment');
      }
      const text = applyReplaceFiles(fresh.manifestText, change.manifestText ?? '', change.replaceFiles);
      return await store.updateManifest(uuid, text, signal);
    },
  };
}

import type { CollectionStore } from '../api/ports.ts';
import type { KeepsyncError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { createEngine } from '../engine.ts';
import type { BlockStore } from '../keep/ports.ts';
import type { LocalDisk } from '../local/ports.ts';
import { knownAccount } from './account-facts.ts';
import type { EngineEnvironment } from './compose.ts';
import type { EngineRequest, RunningEngine } from './connection.ts';
import { openProfileJournal } from './profile-journal.ts';

export type HeldRequest = Omit<EngineRequest, 'connection' | 'watch' | 'conflicts'> & {
  /** Why nothing goes on: shown as a problem, and thrown by whatever would need the cluster. */
  readonly hold: KeepsyncError;
};

/**
 * The folders of a profile as they were left, to be looked at and set only: while nobody is signed in, or the cluster does
 * not take the token. Speaks to no server; neither watches, scans nor reads a folder.
 */
export async function openHeldEngine(env: EngineEnvironment, request: HeldRequest): Promise<RunningEngine> {
  const { hold, journalFile, settings, log } = request;
  const journal = await openProfileJournal(env.clock, request);
  try {
    const engine = await createEngine({
      owner: request.owner,
      version: VERSION,
      clock: env.clock,
      random: env.random,
      log,
      settings: request.settings,
      pairs: request.pairs,
      journal,
      // damage that shows while somebody only looks is mended by the engine that comes after this one
      renewJournal: () => Promise.reject(hold),
      ...refusing(hold),
      watcher: undefined,
      account: await knownAccount(settings.get().account, `${journalFile}.account`),
      events: undefined,
      onLimit: () => undefined,
      conflicts: 'keep-beside',
      onStop: request.onStop,
      hold,
    });
    let closing: Promise<void> | undefined;
    return {
      engine,
      close: () => {
        closing ??= engine.close({ finish: false }).finally(() => journal.close());
        return closing;
      },
    };
  } catch (thrown) {
    await journal.close();
    throw thrown;
  }
}

/** The outside world of an engine that must leave it alone. */
function refusing(hold: KeepsyncError): {
  readonly disk: LocalDisk;
  readonly keep: BlockStore;
  readonly store: CollectionStore;
} {
  const refuse = () => Promise.reject(hold);
  const close = async () => undefined;
  return {
    disk: { scan: refuse, stat: refuse, readSmall: refuse, readPiece: refuse, compareRanges: refuse, close },
    keep: { md5: refuse, put: refuse, get: refuse, head: refuse, close },
    store: {
      get: refuse,
      getWithManifest: refuse,
      create: refuse,
      replaceFiles: refuse,
      updateManifest: refuse,
      canReplaceFiles: refuse,
      previousVersionPdh: refuse,
    },
  };
}

import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { moveAside, writeDurably } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import { type Random, randomBase36 } from '../base/random.ts';
import { type FolderConfig, folderConfigSchema } from '../contract/settings.ts';
import type { Pair, PairStore } from '../engine/ports.ts';
import { copyOf, howToKeepChanges, readSummed, withSum } from './summed-file.ts';

const fileSchema = z.object({
  version: z.literal(1),
  folders: z.array(
    z.object({
      publicId: z.string().min(1),
      createId: z.string().min(1),
      clusterId: z.string().nullable().default(null),
      config: folderConfigSchema,
      lastSavedPdh: z.string().nullish(),
      rebuilding: z.boolean().optional(),
      conflict: z
        .object({
          files: z.number(),
          examplePath: z.string().nullable(),
          message: z.string(),
          sinceMs: z.number(),
        })
        .nullish(),
    }),
  ),
});

const KEYS = Object.keys(fileSchema.shape);

/**
 * The pairs of a profile in `folders.json`. One that is damaged, or was changed without a new sum, is kept aside, and what
 * was written last takes its place; `tell` says so.
 */
export function openPairStore(options: {
  readonly foldersFile: string;
  readonly clock: Clock;
  readonly tell: (message: string) => void;
}): PairStore {
  const turn = new Mutex();
  return {
    load: () => turn.run(() => readPairs(options)),
    save: (pairs) =>
      turn.run(async () => {
        const text = `${JSON.stringify(withSum({ version: 1, folders: pairs }), null, 2)}\n`;
        await writeDurably(options.foldersFile, text);
        await writeDurably(copyOf(options.foldersFile), text);
      }),
  };
}

/** Holds its pairs in memory only, and tells each change: for a single upload. */
export function memoryPairStore(
  first: readonly Pair[],
  onSave: (pairs: readonly Pair[]) => Promise<void>,
): PairStore {
  let pairs = first;
  return {
    load: async () => pairs,
    save: async (next) => {
      await onSave(next);
      pairs = next;
    },
  };
}

/** A pair with ids of its own: a short one that people type, a long one that the collection carries. */
export function newPair(config: FolderConfig, random: Random): Pair {
  return { publicId: randomBase36(random, 6), createId: randomBase36(random, 24), clusterId: null, config };
}

export function pairById(pairs: readonly Pair[], id: string): Pair {
  const pair = pairs.find((one) => one.publicId === id);
  if (pair === undefined) {
    throw new KeepsyncError('USAGE', `There is no folder ${JSON.stringify(id)}`, {
      action: 'See "keepsync folder list" for the folders and their ids.',
    });
  }
  return pair;
}

async function readPairs(options: {
  readonly foldersFile: string;
  readonly clock: Clock;
  readonly tell: (message: string) => void;
}): Promise<readonly Pair[]> {
  const { foldersFile, clock, tell } = options;
  const found = await readSummed(foldersFile, { keys: KEYS, nowMs: clock.nowMs() });
  if (found.kind === 'absent') {
    return [];
  }
  const parsed = found.kind === 'lost' ? undefined : fileSchema.safeParse(found.content);
  if (found.kind === 'restored' && parsed?.success) {
    tell(
      `The list of folders was damaged or changed by another program; it was kept at ${found.aside}, and the one saved last is used. ${howToKeepChanges}`,
    );
  }
  if (parsed?.success) {
    return parsed.data.folders;
  }
  const aside = found.kind === 'lost' ? found.aside : await moveAside(foldersFile, clock.nowMs());
  tell(
    `The list of folders could not be read and was moved to ${aside}; add the folders again, what their collections hold is not sent twice. ${howToKeepChanges}`,
  );
  return [];
}

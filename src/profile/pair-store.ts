import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import { moveAside, parseJsonOrUndefined, readIfThere, writeDurably } from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import { type Random, randomBase36 } from '../base/random.ts';
import { type FolderConfig, folderConfigSchema } from '../contract/settings.ts';
import type { Pair, PairStore } from '../engine/ports.ts';

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

/** The pairs of a profile in `folders.json`. A damaged file is moved aside; `tell` says so. */
export function openPairStore(options: {
  readonly foldersFile: string;
  readonly clock: Clock;
  readonly tell: (message: string) => void;
}): PairStore {
  const turn = new Mutex();
  return {
    load: () => turn.run(() => readPairs(options)),
    save: (pairs) =>
      turn.run(() =>
        writeDurably(options.foldersFile, `${JSON.stringify({ version: 1, folders: pairs }, null, 2)}\n`),
      ),
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
  const text = await readIfThere(options.foldersFile);
  if (text === undefined) {
    return [];
  }
  const parsed = fileSchema.safeParse(parseJsonOrUndefined(text));
  if (parsed.success) {
    return parsed.data.folders;
  }
  const aside = await moveAside(options.foldersFile, options.clock.nowMs());
  options.tell(
    `The list of folders could not be read and was moved to ${aside}; add the folders again, what their collections hold is not sent twice`,
  );
  return [];
}

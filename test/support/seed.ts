/**
 * The seed of this run's property tests, the same each time, so that a change is judged and not luck. KEEPSYNC_SEED names
 * another one: a number, or `random` for long searches. A failing property prints the seed it ran with.
 */
export const SEED =
  process.env.KEEPSYNC_SEED === 'random'
    ? Date.now() % 2 ** 31
    : Number(process.env.KEEPSYNC_SEED ?? 20_261_122);

/** How many histories a property is tried on; KEEPSYNC_RUNS for a long search. */
export const runs = (usual: number) => Number(process.env.KEEPSYNC_RUNS ?? usual);

/** The seed of this run's property tests: KEEPSYNC_SEED to see a failure again, else another one each time. */
export const SEED = Number(process.env.KEEPSYNC_SEED ?? Date.now() % 2 ** 31);

/** How many histories a property is tried on; KEEPSYNC_RUNS for a long search. */
export const runs = (usual: number) => Number(process.env.KEEPSYNC_RUNS ?? usual);

import { Draw, drawFiles, printScript, type Script, textFor } from './script.ts';
import { SimWorld } from './sim-world.ts';
import type { Trace } from './trace.ts';
import { act, drawNamed, drawStep } from './verbs.ts';

/** Every run has so many steps. */
export const STEPS = 60;

/** Steps between two new profiles. */
const MOVE_EVERY = 15;

export interface Run {
  /** Undefined where all went well. */
  readonly failure: Error | undefined;
  /** How often each kind of step, and each fault, was met. */
  readonly met: ReadonlyMap<string, number>;
}

export function drawScript(seed: number): Script {
  const draw = new Draw(seed);
  return { seed, files: drawFiles(draw), steps: Array.from({ length: STEPS }, () => drawStep(draw)) };
}

/** As `drawScript`, but now and then another profile goes on with the same folders and collections. */
export function drawMovingScript(seed: number): Script {
  const script = drawScript(seed);
  const draw = new Draw(seed + 1_000_003);
  const steps = script.steps.flatMap((step, index) => {
    if (index % MOVE_EVERY !== MOVE_EVERY - 1) {
      return [step];
    }
    const faults = draw.fraction() < 0.5 ? [drawNamed('a block cannot be fetched', draw)] : [];
    return [step, ...faults, drawNamed('a new profile', draw)];
  });
  return { ...script, steps };
}

/** Plays a script to its end, and on until everything is saved. Never rejects. What happens goes into `trace`. */
export async function runScript(script: Script, trace?: Trace): Promise<Run> {
  const world = new SimWorld(script.seed, trace);
  let failure: Error | undefined;
  try {
    for (const [path, sizeBytes, content] of script.files) {
      world.disk.write(path, textFor(sizeBytes, content));
    }
    world.witness.look();
    await world.start();
    for (const step of script.steps) {
      if (world.dead) {
        await world.start();
      }
      await act(world, step);
      world.check();
    }
    await world.settle();
  } catch (thrown) {
    failure = thrown instanceof Error ? thrown : new Error(String(thrown));
  } finally {
    await world.end();
  }
  return { failure, met: world.met };
}

/** So many shorter scripts are tried at most; each takes about a tenth of a second. */
const SHRINK_RUNS = 400;

/** The shortest script that still fails. What fails may change on the way: any broken promise is worth a look. */
export async function shrink(script: Script, maxRuns = SHRINK_RUNS): Promise<Script> {
  let runs = 0;
  return shrinkWhile(script, async (shorter) => {
    runs += 1;
    return runs <= maxRuns && (await runScript(shorter)).failure !== undefined;
  });
}

/** Leaves out ever smaller parts of the steps, then of the files, for as long as `holds` does. */
export async function shrinkWhile(
  script: Script,
  holds: (shorter: Script) => Promise<boolean>,
): Promise<Script> {
  let best = script;
  for (const part of ['steps', 'files'] as const) {
    for (let size = Math.ceil(best[part].length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = best[part].length - size; at > -size; ) {
        const start = Math.max(at, 0);
        const shorter = { ...best, [part]: best[part].toSpliced(start, at + size - start) };
        if (await holds(shorter)) {
          best = shorter;
        }
        at = Math.min(at, best[part].length) - size;
      }
    }
  }
  return best;
}

/** Runs a script; where it fails, throws with the shortest script that does, to be pasted as a test. */
export async function expectWell(script: Script): Promise<Run> {
  const run = await runScript(script);
  if (run.failure === undefined) {
    return run;
  }
  const shortest = await shrink(script);
  const again = await runScript(shortest);
  throw new Error(
    [
      `seed ${script.seed}: ${run.failure.message}`,
      '',
      `The shortest script that fails (${again.failure?.message ?? 'no longer'}):`,
      printScript(shortest),
    ].join('\n'),
    { cause: run.failure },
  );
}

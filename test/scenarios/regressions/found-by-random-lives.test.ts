import { expect, it } from 'vitest';
import { runScript } from '../../support/sim-world/run-script.ts';
import type { Script } from '../../support/sim-world/script.ts';

/** Scripts that once failed, as the shrinking left them. A new one is pasted from the report of a random life. */
const SCRIPTS: Readonly<Record<string, Script>> = {
  'a folder can be saved under the name of a file that the collection keeps': {
    seed: 5_240,
    files: [
      ['/data/other/c d/z', 64, 20],
      ['/data/other/a/x', 50, 0],
    ],
    steps: [
      ['remove a folder', '/data/first/c d'],
      ['wait', 19_458],
      ['rename a folder', '/data/other/a', '/data/first/c d'],
      ['copy', '/data/other/é/z', '/data/other/new/n1'],
      ['edit while it is read', '/data/first/c d/x', 'folder'],
      ['wait', 20_174],
      ['rename a folder', '/data/first/c d', '/data/other/a'],
    ],
  },
  'what a folder gets while another one is finished before quitting is shown': {
    seed: 824,
    files: [
      ['/data/first/c d/A', 80, 10],
      ['/data/first/a/b/c/x', 65, 2],
      ['/data/first/y', 64, 7],
      ['/data/first/a/x', 12, 4],
      ['/data/first/c d/z', 700, 9],
      ['/data/first/a/b/y', 64, 23],
      ['/data/first/a/b/c/z', 700, 18],
      ['/data/first/é/A', 1, 15],
      ['/data/first/A', 700, 19],
    ],
    steps: [
      ['empty the folder', 'other'],
      ['wait', 5_964],
      ['write anew', '/data/other/new/n1', 33, 2],
      ['finish, then stop'],
    ],
  },
  'a folder that could not be read for a while is watched again once it can': {
    seed: 8,
    files: [['/data/first/é/x', 1, 22]],
    steps: [
      ['no permission', '/data/first/é', 49_244],
      ['wait', 3_674],
    ],
  },
  'a collection found again after a lost answer may hold what somebody else put there': {
    seed: 5,
    files: [['/data/other/c d/A', 20, 6]],
    steps: [
      ['kill at', 'journal.confirmDeletes', 'after'],
      ['the answer of the API is lost', 'create'],
      ['wait a moment', 1_219],
      ['wait a moment', 1_861],
      ['a slow block', 27_556],
      ['wait', 5_075],
      ['wait a moment', 2_320],
      ['a stranger adds a file', 'other', 'c d/theirs'],
      ['unmount for a while', 'other', 31_727],
      ['write', '/data/other/c d/y', 32, 16],
      ['wait a moment', 1_772],
    ],
  },
  'nobody goes round in circles while a file below a folder without permission is due': {
    seed: 180,
    files: [['/data/other/a/b/ü', 200, 7]],
    steps: [
      ['wait a moment', 2_284],
      ['wait a moment', 427],
      ['no permission', '/data/other/a', 57_262],
      ['wait long', 81_587],
    ],
  },
  'a signature that ran out while the computer slept and the answer waited is no signature': {
    seed: 12,
    files: [['/data/other/A', 40, 15]],
    steps: [
      ['wait a moment', 1_543],
      ['wait a moment', 586],
      ['sleep', 1_728_000_000],
    ],
  },
  'nobody goes round in circles between a save that failed and the next one': {
    seed: 196,
    files: [
      ['/data/first/c d/x', 31, 20],
      ['/data/other/a/n:1', 100, 3],
    ],
    steps: [
      ['wait long', 132_917],
      ['write', '/data/first/é/ü', 21, 17],
      ['a file in place of a folder', '/data/other/a/b', 80, 21],
      ['rescan'],
      ['kill'],
      ['rename a folder', '/data/first/c d', '/data/first/new/er'],
      ['set the clock', 316_346],
      ['no network for a while', 32_574],
      ['wait', 14_201],
      ['write', '/data/first/ü', 100, 16],
      ['a slow block', 23_559],
      ['wait', 11_966],
      ['write', '/data/first/a/b/w', 1, 19],
      ['rename a folder', '/data/other/a', '/data/other/moved'],
      ['a slow block', 23_765],
      ['wait', 15_192],
    ],
  },
};

it.each(Object.entries(SCRIPTS))('%s', async (_name, script) => {
  expect((await runScript(script)).failure).toBeUndefined();
});

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createThreadedDisk } from '../../src/local/threaded-disk.ts';
import { describeLocalDisk, FOLDER_ID } from '../support/disk-conformance.ts';
import { JournalFile } from '../support/disk-journal-file.ts';
import { RememberedTree } from '../support/disk-known.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { createSimLocalDisk } from '../support/sim-disk-local.ts';

describeLocalDisk('the simulated disk', async () => {
  const sim = new SimDisk({ nowMs: () => Date.parse('2026-11-01T12:00:00Z'), readMaxBytes: 3 });
  const root = '/home/ada/data';
  sim.mkdir(root);
  const known = new RememberedTree();
  const disk = createSimLocalDisk(sim, known);
  return {
    disk,
    root,
    write: (path, content) => sim.write(`${root}/${path}`, content),
    mkdir: (path) => sim.mkdir(`${root}/${path}`),
    rename: (from, to) => sim.rename(join(root, from), join(root, to)),
    remove: (path) => sim.remove(`${root}/${path}`),
    symlink: (target, path) => sim.symlink(target, `${root}/${path}`),
    mkfifo: (path) => sim.mkfifo(`${root}/${path}`),
    writeSparse: (path, sizeBytes) => sim.writeSparse(`${root}/${path}`, sizeBytes),
    remember: (changes) => known.remember(changes),
    rememberBytes: (sizeBytes, digest) => known.rememberBytes(sizeBytes, digest),
    close: async () => {
      await disk.close();
      if (sim.openHandles > 0) {
        throw new Error(`${sim.openHandles} files were left open`);
      }
    },
  };
});

describeLocalDisk("this computer's disk", async () => {
  const top = mkdtempSync(join(tmpdir(), 'keepsync-disk-'));
  const root = join(top, 'data');
  mkdirSync(root);
  const journalPath = join(top, 'journal.sqlite');
  const journal = new JournalFile(journalPath);
  const disk = createThreadedDisk({ journalPath });
  const at = (path: string) => join(root, path);
  let writes = 0;
  return {
    disk,
    root,
    write: (path, content) => {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
      // some systems tell times apart by some milliseconds only, and two writes may come closer
      writes += 1;
      utimesSync(at(path), 1_700_000_000, 1_700_000_000 + writes);
    },
    mkdir: (path) => mkdirSync(at(path), { recursive: true }),
    rename: (from, to) => renameSync(at(from), at(to)),
    remove: (path) => rmSync(at(path), { recursive: true }),
    symlink: (target, path) => symlinkSync(target, at(path)),
    mkfifo: (path) => {
      execFileSync('mkfifo', [at(path)]);
    },
    writeSparse: (path, sizeBytes) => {
      writeFileSync(at(path), '');
      truncateSync(at(path), sizeBytes);
    },
    remember: (changes) => journal.remember(FOLDER_ID, changes),
    rememberBytes: (sizeBytes, digest) =>
      journal.set(FOLDER_ID, `somewhere/${digest}`, { kind: 'file', size: sizeBytes, digest }),
    close: async () => {
      await disk.close();
      journal.close();
      rmSync(top, { recursive: true, force: true });
    },
  };
});

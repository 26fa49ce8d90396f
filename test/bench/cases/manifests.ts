import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchCase } from '../lib/bench-case.ts';
import { ratio, reading } from '../lib/results.ts';

const FILES = 1_000_000;
const PER_FOLDER = 1_000;
const FILE_BYTES = 10_000;
const BLOCK_BYTES = 2 ** 26;
const MEASURED = join(import.meta.dirname, '..');

/** As the API would give it out: signed locators, a thousand files in each folder, in no particular order. */
function writeManifest(path: string, fileCount: number): void {
  const file = openSync(path, 'w');
  const signature = `+A${'0123456789'.repeat(4)}@6b155922`;
  const bytesPerFolder = PER_FOLDER * FILE_BYTES;
  for (let first = 0; first < fileCount; first += PER_FOLDER) {
    const folder = first / PER_FOLDER;
    const startInBlocks = folder * bytesPerFolder;
    const firstBlock = Math.floor(startInBlocks / BLOCK_BYTES);
    const lastBlock = Math.floor((startInBlocks + bytesPerFolder - 1) / BLOCK_BYTES);
    const tokens = [`./run-${folder % 100}/plate-${folder}`];
    for (let block = firstBlock; block <= lastBlock; block += 1) {
      tokens.push(`${createHash('md5').update(`block ${block}`).digest('hex')}+${BLOCK_BYTES}${signature}`);
    }
    const offset = startInBlocks - firstBlock * BLOCK_BYTES;
    const files = Math.min(PER_FOLDER, fileCount - first);
    for (let index = 0; index < files; index += 1) {
      const place = (index * 617) % files;
      tokens.push(`${offset + place * FILE_BYTES}:${FILE_BYTES}:sample\\040${first + place}.txt`);
    }
    writeSync(file, `${tokens.join(' ')}\n`);
  }
  closeSync(file);
}

const million: BenchCase = {
  id: 'manifest',
  title: 'manifest of 1,000,000 files, parse + normalise + PDH',
  isOwed: false,
  runs: (wanted) => Math.min(wanted, 3),
  targets: [
    {
      text: 'times faster than the SDK',
      limit: 10,
      isAtLeast: true,
      reading: ratio(reading('SDK', 'wallSeconds'), reading('keepsync', 'wallSeconds')),
    },
    { text: 'peak RSS', limit: 1024, unit: 'MiB', reading: reading('keepsync', 'peakRssMib') },
  ],
  measure: async (workplace, record, runs) => {
    const path = workplace.fresh('manifest');
    writeManifest(path, workplace.scaled(FILES));
    // the SDK asks a cluster for its discovery document before it writes a manifest
    await workplace.withCluster({ keepServers: 1 }, async (cluster) => {
      const env = workplace.environment(cluster);
      for (let run = 0; run < runs; run += 1) {
        const own = await workplace.measure([process.execPath, join(MEASURED, 'own-manifest.ts'), path], env);
        record.add('keepsync', { ...own.usage });
        if (!workplace.hasOthers) {
          continue;
        }
        const sdk = await workplace.measure(
          [workplace.arvados.python, join(MEASURED, 'sdk_manifest.py'), path],
          env,
        );
        if (sdk.stdout !== own.stdout) {
          throw new Error(`The SDK says ${sdk.stdout}, ours says ${own.stdout}`);
        }
        record.add('SDK', { ...sdk.usage });
      }
    });
    await workplace.remove(path);
  },
};

export const manifests: readonly BenchCase[] = [million];

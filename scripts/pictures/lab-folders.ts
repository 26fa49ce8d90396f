import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Folders as a sequencing lab has them, for the pictures. Names, sizes and bytes are the same in every run; the bytes are
 * mostly zeros, so that a file takes no room on disk, with something of its own in every block.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK_BYTES = 64 * MIB;

export interface LabFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Files of the same seed and size hold the same bytes. */
  readonly seed: string;
}

/** `sizeBytes`, some per cent more or less, always the same for the same path. */
function about(sizeBytes: number, path: string): number {
  const draw = createHash('md5').update(path).digest().readUInt16BE(0) / 0xffff;
  return Math.round(sizeBytes * (0.85 + 0.3 * draw));
}

function file(path: string, sizeBytes: number, seed = path): LabFile {
  return { path, sizeBytes: about(sizeBytes, seed), seed };
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** What every Illumina run folder begins with. */
function runFiles(run: string, tiles: number): LabFile[] {
  const metrics = ['Error', 'Extraction', 'Index', 'QMetrics', 'Quality', 'Tile', 'CorrectedInt'];
  const own = (path: string, sizeBytes: number) => file(path, sizeBytes, `${run}/${path}`);
  return [
    own('RunInfo.xml', 11 * KIB),
    own('RunParameters.xml', 7 * KIB),
    own('SampleSheet.csv', 3 * KIB),
    own('RTAComplete.txt', 48),
    ...metrics.map((name) => own(`InterOp/${name}MetricsOut.bin`, 2.5 * MIB)),
    ...numbers(tiles).map((tile) => own(`Data/Intensities/s_${1100 + tile}.locs`, 90 * KIB)),
  ];
}

const SAMPLES = ['NA12878_S1', 'NA12891_S2', 'NA12892_S3'] as const;

function fastq(run: string, folder: string, lanes: number, sizeBytes: number): LabFile[] {
  return SAMPLES.flatMap((sample) =>
    numbers(lanes).flatMap((lane) =>
      ['R1', 'R2'].map((read) => {
        const path = `${folder}${sample}_L00${lane}_${read}_001.fastq.gz`;
        return file(path, sizeBytes, `${run}/${path}`);
      }),
    ),
  );
}

/** A run of a NovaSeq with raw images of each cycle, and its reads. */
export const NOVASEQ_RUN: readonly LabFile[] = [
  ...runFiles('421', 900),
  ...numbers(2).flatMap((lane) =>
    numbers(28).flatMap((cycle) =>
      numbers(2).map((surface) =>
        file(`Data/Intensities/BaseCalls/L00${lane}/C${cycle}.1/L00${lane}_${surface}.cbcl`, 46 * MIB),
      ),
    ),
  ),
  ...fastq('421', 'Fastq/', 2, 205 * MIB),
  file('Fastq/NA12878_S1_L003_R1_001.fastq.gz.tmp', 12 * MIB),
  file('Fastq/NA12878_S1_L003_R2_001.fastq.gz.tmp', 11 * MIB),
  file('Thumbs.db', 30 * KIB),
];

/** Reads of the run before; two of the samples were sequenced again, and are the same. */
export const EARLIER_READS: readonly LabFile[] = [
  ...fastq('420', '', 2, 210 * MIB),
  ...NOVASEQ_RUN.filter((each) => /^Fastq\/NA12878.*gz$/.test(each.path)).map((each) => ({
    ...each,
    path: `topped-up/${each.path.slice('Fastq/'.length)}`,
  })),
];

/** A small run of a MiSeq. */
export const MISEQ_RUN: readonly LabFile[] = [
  ...runFiles('188', 228),
  ...fastq('188', 'Data/Intensities/BaseCalls/', 1, 44 * MIB),
  ...numbers(38).map((cycle) => file(`Thumbnail_Images/L001/C${cycle}.1/s_1_1101_a.jpg`, 60 * KIB)),
  ...numbers(9).map((part) => file(`Logs/RTA_${part}.log`, 700 * KIB)),
  file('Data/Intensities/BaseCalls/Undetermined.fastq.gz.tmp', 5 * MIB),
];

const CHROMOSOMES: readonly string[] = [...numbers(22).map(String), 'X', 'Y'];

/** Results of three people, called together. */
export const TRIO: readonly LabFile[] = [
  ...CHROMOSOMES.flatMap((name) => [
    file(`joint/chr${name}.g.vcf.gz`, 17 * MIB),
    file(`joint/chr${name}.g.vcf.gz.tbi`, 40 * KIB),
  ]),
  ...SAMPLES.map((sample) => file(`qc/${sample.slice(0, 7)}_fastqc.html`, 600 * KIB)),
  file('qc/multiqc_report.html', 3.4 * MIB),
  file('trio.ped', 118),
  file('README.md', 2 * KIB),
];

/** Writes the files below `folder`. Sizes of large files are multiplied by `scale`. */
export function writeLabFolder(folder: string, files: readonly LabFile[], scale: number): void {
  for (const { path, sizeBytes, seed } of files) {
    const size = sizeBytes > MIB ? Math.round(sizeBytes * scale) : sizeBytes;
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    const handle = openSync(target, 'w');
    try {
      for (let at = 0; at < size; at += BLOCK_BYTES) {
        const own = createHash('sha512').update(`${seed}:${at}`).digest();
        writeSync(handle, own, 0, Math.min(own.length, size - at), at);
      }
      ftruncateSync(handle, size);
    } finally {
      closeSync(handle);
    }
  }
}

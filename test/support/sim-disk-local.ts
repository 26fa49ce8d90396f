import { DiskService, runScan } from '../../src/local/disk-service.ts';
import { type KnownSource, nothingKnown } from '../../src/local/known-source.ts';
import type { LocalDisk } from '../../src/local/ports.ts';
import type { SyncDisk } from '../../src/local/sync-disk.ts';

/** The port that the sync engine uses, over a simulated disk: the product's own scan and read code, without a thread. */
export function createSimLocalDisk(disk: SyncDisk, known: KnownSource = nothingKnown): LocalDisk {
  const service = new DiskService(disk, known);
  const idle = new AbortController().signal;
  return {
    scan: (folderId, request, onChanges, signal) =>
      runScan(
        () => service.beginScan(folderId, request),
        (scanId) => service.nextStep(scanId, { signal: signal ?? idle }),
        (scanId) => service.dropScan(scanId),
        onChanges,
        signal,
      ),
    stat: async (diskPaths, followLinks) => service.stat(diskPaths, followLinks),
    readSmall: async (folderId, request) => service.readSmall(folderId, request),
    readPiece: async (request) => service.readPiece(request),
    compareRanges: async (request) => service.compareRanges(request),
    close: async () => service.close(),
  };
}

import { parentPort, workerData } from 'node:worker_threads';
import { KeepsyncError } from '../base/errors.ts';
import { serveThread } from '../base/thread-rpc.ts';
import { packChanges, packResults, unpackReads } from './batch-columns.ts';
import { DiskService, type DiskThreadApi } from './disk-service.ts';
import { openJournalView } from './journal-view.ts';
import { nothingKnown } from './known-source.ts';
import { nodeDisk } from './sync-disk.ts';
import { serveWatcher } from './watch-service.ts';

/** What the thread is started with. */
export type DiskThreadData =
  | { readonly role: 'disk'; readonly journalPath: string | null }
  | { readonly role: 'watch'; readonly watchEntriesMax: number; readonly journalPath: string | null };

if (parentPort === null) {
  throw new KeepsyncError('INTERNAL', 'this file runs only as a worker thread');
}
const data = workerData as DiskThreadData;
const openKnown = () => (data.journalPath === null ? nothingKnown : openJournalView(data.journalPath));
if (data.role === 'watch') {
  serveWatcher(parentPort, data.watchEntriesMax, openKnown);
} else {
  const service = new DiskService(nodeDisk, openKnown());
  serveThread<DiskThreadApi>(parentPort, {
    beginScan: ({ folderId, request }) => service.beginScan(folderId, request),
    nextStep: async (scanId, context) => {
      const step = await service.nextStep(scanId, context);
      return { ...step, changes: packChanges(step.changes) };
    },
    dropScan: (scanId) => service.dropScan(scanId),
    bringHelp: ({ scanId, line }) => service.bringHelp(scanId, line),
    helpScan: ({ folderId, rules, line }) => service.helpScan(folderId, rules, line),
    stat: ({ diskPaths, followLinks }) => service.stat(diskPaths, followLinks),
    readSmall: ({ folderId, request }) => packResults(service.readSmall(folderId, unpackReads(request))),
    readPiece: (request) => service.readPiece(request),
    compareRanges: (request) => service.compareRanges(request),
  });
}

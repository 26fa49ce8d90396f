import { folderConfigSchema } from '../../src/contract/settings.ts';
import type {
  AccountFacts,
  FolderFacts,
  FolderTallies,
  LiveBlock,
  ProblemFact,
} from '../../src/status/inputs.ts';

export const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);

export const someTallies = (part: Partial<FolderTallies> = {}): FolderTallies => ({
  pending: { files: 0, bytes: 0 },
  stored: { files: 0, bytes: 0 },
  saved: { files: 0, bytes: 0 },
  failed: { files: 0, bytes: 0 },
  held: { files: 0, bytes: 0 },
  gone: { files: 0, bytes: 0 },
  deleted: { files: 0, bytes: 0 },
  dirsToSave: 0,
  oldestStoredAtMs: null,
  storedBlocks: { files: 0, bytes: 0 },
  savedBlocks: { files: 0, bytes: 0 },
  ...part,
});

export const someConfig = (name = 'Trio') =>
  folderConfigSchema.parse({
    roots: [{ diskPath: `/data/${name}`, prefix: '' }],
    name,
    target: { collectionName: name },
  });

export const someFolder = (part: Partial<FolderFacts> = {}): FolderFacts => ({
  id: 'f1',
  config: someConfig(),
  phase: 'watching',
  tallies: someTallies(),
  acknowledgedPieceBytes: 0,
  collectionUuid: null,
  portableDataHash: null,
  lastSaveAtMs: null,
  nextSaveAtMs: null,
  lastScanAtMs: NOW_MS - 1_000,
  ignored: 0,
  links: 0,
  blockedBy: null,
  ...part,
});

export const someBlock = (part: Partial<LiveBlock> = {}): LiveBlock => ({
  blockId: 'bufferblock0',
  folderId: 'f1',
  state: 'PENDING',
  sizeBytes: 100,
  capacityBytes: 128,
  locator: null,
  attempts: 0,
  server: null,
  error: null,
  files: 1,
  examplePaths: ['a'],
  sinceMs: NOW_MS,
  ...part,
});

export const someProblem = (part: Partial<ProblemFact> = {}): ProblemFact => ({
  code: 'FILE_DENIED',
  files: 3,
  examplePath: 'a/b',
  message: 'permission denied',
  requestId: null,
  nextTryAtMs: null,
  sinceMs: NOW_MS,
  ...part,
});

export const signedIn: AccountFacts = {
  host: 'zzzzz.example',
  user: 'ann',
  local: false,
  connected: true,
  offlineSinceMs: null,
  tokenExpiresAtMs: null,
};

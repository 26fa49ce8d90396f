import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/base/errors.ts';
import { CAUSES, TRAY_STATES } from '../../src/contract/problems.ts';
import { FOLDER_PHASES, snapshotSchema } from '../../src/contract/status.ts';
import { barTotal } from '../../src/status/folder-bar.ts';
import type { StatusInput } from '../../src/status/inputs.ts';
import { StatusFold } from '../../src/status/status-fold.ts';
import { NOW_MS, signedIn, someBlock, someFolder, someProblem, someTallies } from './make.ts';

const tally = fc.record({ files: fc.nat(5), bytes: fc.nat(500) });
const zero = fc.constant({ files: 0, bytes: 0 });
const mostlyZero = fc.oneof({ weight: 4, arbitrary: zero }, tally);
const folderId = fc.constantFrom('f1', 'f2');

const tallies = fc
  .record({
    pending: mostlyZero,
    stored: mostlyZero,
    saved: tally,
    failed: mostlyZero,
    held: mostlyZero,
    gone: mostlyZero,
    deleted: mostlyZero,
    dirsToSave: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3)),
  })
  .map((part) => someTallies(part));

const input: fc.Arbitrary<StatusInput> = fc.oneof(
  fc
    .record({
      id: folderId,
      phase: fc.constantFrom(...FOLDER_PHASES),
      tallies: fc.option(tallies, { freq: 8 }),
      acknowledgedPieceBytes: fc.nat(100),
      lastScanAtMs: fc.option(fc.constant(NOW_MS), { freq: 8 }),
      blockedBy: fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, fc.constantFrom(...ERROR_CODES)),
    })
    .map((part) => ({ type: 'folder' as const, facts: someFolder(part) })),
  fc
    .record({
      blockId: fc.constantFrom('b1', 'b2', 'b3'),
      folderId,
      state: fc.constantFrom('WRITABLE', 'PENDING', 'COMMITTED', 'ERROR'),
      sizeBytes: fc.nat(400),
      files: fc.nat(4),
    })
    .map((part) => ({ type: 'block' as const, block: someBlock(part) })),
  fc.constantFrom('b1', 'b2', 'b3').map((blockId) => ({ type: 'block-removed' as const, blockId })),
  fc
    .record({
      folderId: fc.option(folderId),
      problems: fc.array(
        fc
          .record({ code: fc.constantFrom(...ERROR_CODES), files: fc.nat(3) })
          .map((part) => someProblem(part)),
        { maxLength: 2 },
      ),
    })
    .map((part) => ({ type: 'problems' as const, ...part })),
  fc.boolean().map((connected) => ({ type: 'account' as const, account: { ...signedIn, connected } })),
  fc.nat(1000).map((bytes) => ({ type: 'sent' as const, bytes })),
  folderId.map((id) => ({ type: 'folder-removed' as const, folderId: id })),
);

test('whatever comes in, the parts are the whole, green means saved, and the worst wins', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 30 }), (inputs) => {
      const status = new StatusFold('desktop', '0.1.0');
      status.apply({ type: 'account', account: signedIn }, NOW_MS);
      const facts = new Map<string, Extract<StatusInput, { type: 'folder' }>['facts']>();
      let connected = true;
      for (const one of inputs) {
        status.apply(one, NOW_MS);
        if (one.type === 'folder') {
          facts.set(one.facts.id, one.facts);
        } else if (one.type === 'folder-removed') {
          facts.delete(one.folderId);
        } else if (one.type === 'account') {
          connected = one.account.connected;
        }
      }
      const snapshot = status.snapshot(NOW_MS);
      expect(snapshotSchema.parse(snapshot)).toEqual(snapshot);

      for (const folder of snapshot.folders) {
        const known = facts.get(folder.id)?.tallies ?? null;
        const whole =
          known === null
            ? { files: 0, bytes: 0 }
            : {
                files:
                  known.pending.files +
                  known.stored.files +
                  known.saved.files +
                  known.failed.files +
                  known.held.files,
                bytes:
                  known.pending.bytes +
                  known.stored.bytes +
                  known.saved.bytes +
                  known.failed.bytes +
                  known.held.bytes,
              };
        expect(barTotal(folder.bar)).toEqual(whole);
        for (const part of Object.values(folder.bar)) {
          expect(part.files).toBeGreaterThanOrEqual(0);
          expect(part.bytes).toBeGreaterThanOrEqual(0);
        }
        const open =
          known === null ||
          folder.lastScanAtMs === null ||
          known.dirsToSave > 0 ||
          [known.pending, known.stored, known.failed, known.held, known.gone, known.deleted].some(
            (part) => part.files + part.bytes > 0,
          ) ||
          status.liveBlocks(folder.id).length > 0;
        if (open) {
          expect(folder.tray).not.toBe('ready');
          expect(folder.percentSaved).not.toBe(100);
          expect(folder.sentence).not.toMatch(/^Everything saved/);
          expect(snapshot.verdict.sentence).not.toMatch(/^Everything saved/);
        }
      }

      const rank = (state: (typeof TRAY_STATES)[number]) => TRAY_STATES.indexOf(state);
      const shown = snapshot.folders.map((folder) => folder.tray);
      const caused = snapshot.problems.map((problem) => CAUSES[problem.code].tray);
      const expected = [...shown, ...caused, connected ? ('ready' as const) : ('offline' as const)];
      expect(rank(snapshot.tray)).toBe(Math.min(...expected.map(rank)));
      for (const problem of snapshot.problems) {
        const folder = snapshot.folders.find((one) => one.id === problem.folderId);
        expect(rank(folder?.tray ?? snapshot.tray)).toBeLessThanOrEqual(rank(CAUSES[problem.code].tray));
      }
      expect(snapshot.verdict.sentence).not.toBe('');
    }),
    { numRuns: 500 },
  );
});

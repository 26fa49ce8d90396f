import { openJournal } from '../../src/sync/journal.ts';
import { CALM, md5, signed } from './journal-model.ts';

/** Writes batch after batch and says so after each; somebody else ends this process in the middle of it. */
const [path = ''] = process.argv.slice(2);
const journal = openJournal({ path });
const folder = await journal.openFolder('pair');
for (let batch = 0; ; batch += 1) {
  const changes = Array.from({ length: 20 }, (_, index) => ({
    type: 'file' as const,
    path: `d${batch}/f${index}`,
    diskPath: `/disk/d${batch}/f${index}`,
    stat: { kind: 'file' as const, sizeBytes: 1, stamp: `1:${batch}:${index}`, changedAtMs: 0 },
  }));
  await journal.recordChanges(folder.id, changes, { nowMs: batch, calm: CALM });
  if (batch % 2 === 0) {
    await journal.writeFound(folder.id);
    process.stdout.write(`written ${batch}\n`);
  } else {
    process.stdout.write(`found ${batch}\n`);
  }
  const files = await journal.claimPending(folder.id, batch, { files: 100, bytes: 1_000_000 });
  const content = `content of ${batch}`.padEnd(files.length, '.');
  const stored = files.map((file, offset) => ({
    entryId: file.entryId,
    stamp: file.stamp,
    digest: md5(`${batch} ${offset}`),
    offset,
    lengthBytes: 1,
  }));
  const block = { locator: signed(content, 4_000_000_000_000), sizeBytes: content.length, reused: false };
  await journal.recordPackedBlock(folder.id, block, stored, batch);
  process.stdout.write(`block ${batch}\n`);
}

import { checkedBlock } from './journal-blocks.ts';
import type { JournalStore } from './journal-store.ts';

/** A locator token after a space; at a file token the line's locators are over. */
const LOCATOR = /([0-9a-f]{32}\+[0-9]{1,16})(?:\+[A-Z][A-Za-z0-9@_-]*)*(?=[ \n])/y;

const PAGE_ROWS = 1_000;

/**
 * Takes over the signatures of a manifest, and the blocks it names that the journal does not know. Returns how many of
 * them are fresher than what the journal had. In a transaction.
 */
export function refreshFromManifest(store: JournalStore, folderId: number, manifestText: string): number {
  let count = 0;
  for (let start = 0; start < manifestText.length; ) {
    const space = manifestText.indexOf(' ', start);
    if (space < 0) {
      break;
    }
    for (LOCATOR.lastIndex = space + 1; ; LOCATOR.lastIndex += 1) {
      const match = LOCATOR.exec(manifestText);
      if (match === null) {
        break;
      }
      count += refresh(store, folderId, match[1] ?? '', match[0]) ? 1 : 0;
    }
    const end = manifestText.indexOf('\n', space);
    start = end < 0 ? manifestText.length : end + 1;
  }
  return count;
}

function refresh(store: JournalStore, folderId: number, md5size: string, locator: string): boolean {
  if (locator === md5size || md5size.endsWith('+0')) {
    return false;
  }
  const known = store.blocks.find(folderId, md5size);
  if (known === undefined) {
    store.blocks.record(folderId, { locator, reused: true }, 0, []);
    return true;
  }
  return store.blocks.refresh(known, locator);
}

/** None of the journal's signatures holds any more. In a transaction. */
export function expireAll(store: JournalStore): void {
  const page = store.database.prepare(`SELECT * FROM block WHERE id > ? ORDER BY id LIMIT ${PAGE_ROWS}`);
  for (let after = 0; ; ) {
    const blocks = page.all(after).map(checkedBlock);
    for (const block of blocks) {
      store.blocks.expire(block);
      after = block.id;
    }
    if (blocks.length < PAGE_ROWS) {
      return;
    }
  }
}

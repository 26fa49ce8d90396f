import type { KnownSource } from '../../src/local/known-source.ts';
import type { KnownEntry, KnownPage, TreeChange } from '../../src/local/ports.ts';

export interface RememberedRow {
  readonly kind: 'file' | 'dir';
  readonly stamp: string;
  readonly isHeld: boolean;
}

/** A journal reduced to what the scan asks of it: takes changes in, gives them back folder by folder. */
export class RememberedTree implements KnownSource {
  readonly rows = new Map<string, RememberedRow>();
  readonly #digests = new Set<string>();
  questions = 0;

  remember(changes: readonly TreeChange[]): void {
    for (const change of changes) {
      switch (change.type) {
        case 'file':
          this.rows.set(change.path, { kind: 'file', stamp: change.stat.stamp, isHeld: false });
          break;
        case 'dir':
          this.rows.set(change.path, { kind: 'dir', stamp: '', isHeld: false });
          break;
        case 'gone':
          this.rows.delete(change.path);
          break;
        case 'held': {
          const kind = this.rows.get(change.path)?.kind ?? 'file';
          this.rows.set(change.path, { kind, stamp: '', isHeld: true });
          break;
        }
      }
    }
  }

  rememberBytes(sizeBytes: number, digest: string): void {
    this.#digests.add(`${sizeBytes}:${digest}`);
  }

  knownTree() {
    return {
      entriesOf: (dir: string, page?: KnownPage): KnownEntry[] => {
        this.questions++;
        const entries: KnownEntry[] = [];
        for (const [path, { kind, stamp }] of this.rows) {
          const at = path.lastIndexOf('/');
          if ((at < 0 ? '' : path.slice(0, at)) === dir) {
            entries.push({ name: path.slice(at + 1), kind, stamp });
          }
        }
        if (page === undefined) {
          return entries;
        }
        return entries
          .sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)))
          .filter(({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(page.after)) > 0)
          .slice(0, page.limit);
      },
      entryOf: (dir: string, name: string): KnownEntry | undefined => {
        this.questions++;
        const row = this.rows.get(dir === '' ? name : `${dir}/${name}`);
        return row === undefined ? undefined : { name, kind: row.kind, stamp: row.stamp };
      },
    };
  }

  knownBytes(_folderId: number): (sizeBytes: number, digest: string) => boolean {
    return (sizeBytes, digest) => this.#digests.has(`${sizeBytes}:${digest}`);
  }

  close(): void {
    this.rows.clear();
  }
}

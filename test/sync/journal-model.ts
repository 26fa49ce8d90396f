import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseManifest, portableDataHash } from '../../src/collection/manifest-text.ts';
import { type ManifestEntry, manifestChunks } from '../../src/collection/manifest-writer.ts';
import type { BlockRange } from '../../src/collection/segments.ts';
import { streamRanges } from '../../src/collection/stream-ranges.ts';
import { signatureExpiryMs, stripLocator } from '../../src/keep/locator.ts';
import type { TreeChange } from '../../src/local/ports.ts';
import { openJournal } from '../../src/sync/journal.ts';
import type { OpenJournal } from '../../src/sync/journal-database.ts';
import type { BuiltSave } from '../../src/sync/journal-port.ts';

export const CALM = { calmBaseMs: 0, calmBytesPerSecond: 1, calmMaxMs: 0 };

export const md5 = (text: string) => createHash('md5').update(text).digest('hex');

/** A signed locator, as a Keep server would answer it, valid until then. */
export function signed(content: string, untilMs: number): string {
  const expiry = Math.floor(untilMs / 1000)
    .toString(16)
    .padStart(8, '0');
  return `${md5(content)}+${content.length}+A${'5'.repeat(40)}@${expiry}`;
}

export const dirOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const above = (path: string) =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, parts) => parts.slice(0, index + 1).join('/'));

export type RemoteNode =
  | { readonly kind: 'file'; readonly ranges: readonly BlockRange[] }
  | { readonly kind: 'dir' };

/** A collection on a server: a tree, and `replace_files` as Arvados does it. */
export class ModelCollection {
  readonly #blocks: Map<string, string>;
  nodes = new Map<string, RemoteNode>();

  constructor(blocks: Map<string, string>) {
    this.#blocks = blocks;
  }

  get pdh(): string {
    return portableDataHash(this.manifest(0));
  }

  manifest(signedUntilMs: number): string {
    const paths = [...this.nodes.keys()].sort();
    const isEmpty = (path: string) => !paths.some((other) => other.startsWith(`${path}/`));
    const entries = paths.flatMap((path): ManifestEntry[] => {
      const node = this.nodes.get(path);
      if (node?.kind === 'dir') {
        return isEmpty(path) ? [{ path, emptyDir: true as const }] : [];
      }
      const segments = (node?.ranges ?? []).map((range) => ({
        ...range,
        locator: signed(this.#blocks.get(range.locator) ?? '', signedUntilMs),
      }));
      return [{ path, segments }];
    });
    return [...manifestChunks(entries)].join('');
  }

  contentOf(path: string): string | undefined {
    const node = this.nodes.get(path);
    return node?.kind === 'file'
      ? node.ranges
          .map((range) => this.#blocks.get(range.locator)?.slice(range.offset, range.offset + range.length))
          .join('')
      : undefined;
  }

  /** Somebody else's change. */
  write(path: string, content: string): void {
    const block = `${md5(content)}+${content.length}`;
    this.#blocks.set(block, content);
    this.#splice(
      path,
      new Map([['', { kind: 'file', ranges: [{ locator: block, offset: 0, length: content.length }] }]]),
      true,
    );
  }

  remove(path: string): void {
    for (const other of [...this.nodes.keys()]) {
      if (other === path || other.startsWith(`${path}/`)) {
        this.nodes.delete(other);
      }
    }
  }

  /** Throws where a real server would answer with an error. */
  apply(change: Pick<BuiltSave, 'replaceFiles' | 'manifestText'>, nowMs: number): void {
    const targets = Object.entries(change.replaceFiles);
    const source = parseTree(change.manifestText, this.#blocks, nowMs);
    if (change.manifestText !== '' && !targets.some(([, from]) => from.startsWith('manifest_text/'))) {
      throw new Error('a manifest that no target uses');
    }
    for (const [target] of targets) {
      if (!/^(\/[^/]+)+$/.test(target)) {
        throw new Error(`not a target: ${target}`);
      }
      for (const outer of above(target.slice(1))) {
        if ((change.replaceFiles[`/${outer}`] ?? '') !== '') {
          throw new Error(`target ${target} inside non-empty target /${outer}`);
        }
      }
    }
    const before = new Map(this.nodes);
    const snapshots = targets.map(([target, from]) => {
      const tree = from.startsWith('current/') ? before : source;
      return {
        target: target.slice(1),
        from,
        tree: from === '' ? undefined : subtree(tree, from.slice(from.indexOf('/') + 1)),
      };
    });
    const after = new ModelCollection(this.#blocks);
    after.nodes = new Map(before);
    for (const kind of ['', 'current/', 'manifest_text/']) {
      for (const { target, from, tree } of snapshots) {
        if (kind === '' ? from === '' : from.startsWith(kind)) {
          if (tree === undefined) {
            after.remove(target);
          } else {
            after.#splice(target, tree, false);
          }
        }
      }
    }
    this.nodes = after.nodes;
  }

  #splice(target: string, tree: ReadonlyMap<string, RemoteNode>, force: boolean): void {
    for (const dir of above(target)) {
      if (this.nodes.get(dir)?.kind === 'file') {
        if (!force) {
          throw new Error(`parent ${dir} of ${target} is a file`);
        }
        this.nodes.delete(dir);
      }
      this.nodes.set(dir, { kind: 'dir' });
    }
    if (target !== '') {
      this.remove(target);
    }
    for (const [path, node] of tree) {
      const whole = [target, path].filter((part) => part !== '').join('/');
      if (whole !== '') {
        this.nodes.set(whole, node);
      }
    }
  }
}

function subtree(tree: ReadonlyMap<string, RemoteNode>, path: string): Map<string, RemoteNode> {
  const result = new Map<string, RemoteNode>();
  for (const [other, node] of tree) {
    if (path === '' || other === path || other.startsWith(`${path}/`)) {
      result.set(path === '' ? other : other.slice(path.length + 1), node);
    }
  }
  if (result.size === 0 && path !== '') {
    throw new Error(`there is no source ${path}`);
  }
  return result;
}

function parseTree(
  text: string,
  blocks: ReadonlyMap<string, string>,
  nowMs: number,
): Map<string, RemoteNode> {
  const tree = new Map<string, RemoteNode>();
  const addDirs = (path: string) => {
    for (const dir of above(path)) {
      tree.set(dir, { kind: 'dir' });
    }
  };
  for (const line of parseManifest(text)) {
    for (const locator of line.locators) {
      const stripped = stripLocator(locator);
      if (!stripped.endsWith('+0') && (!blocks.has(stripped) || (signatureExpiryMs(locator) ?? 0) < nowMs)) {
        throw new Error(`the signature of ${locator} does not hold`);
      }
    }
    for (const file of line.files) {
      const path = line.path === '' ? file.name : `${line.path}/${file.name}`;
      const ranges = streamRanges(line, [file]).map((range) => ({
        ...range,
        locator: stripLocator(range.locator),
      }));
      addDirs(path);
      const before = tree.get(path);
      tree.set(path, {
        kind: 'file',
        ranges: [...(before?.kind === 'file' ? before.ranges : []), ...ranges],
      });
    }
    for (const dir of line.emptyDirs) {
      addDirs(dir);
      tree.set(dir, { kind: 'dir' });
    }
  }
  return tree;
}

export type DiskNode =
  | { readonly kind: 'file'; readonly content: string; readonly stamp: string; readonly changedAtMs: number }
  | { readonly kind: 'dir' };

/** What a scan knows of one row, read past the journal. */
interface SeenRow {
  readonly id: number;
  readonly path: string;
  readonly kind: string;
  readonly state: string;
  readonly stamp: string;
}

/** A disk, a journal in a real file, and a server, driven step by step. */
export class JournalWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'keepsync-journal-'));
  readonly path = join(this.folder, 'journal.sqlite');
  readonly disk = new Map<string, DiskNode>();
  readonly held = new Set<string>();
  readonly blocks = new Map<string, string>();
  readonly contentOfStamp = new Map<string, string>();
  readonly remote = new ModelCollection(this.blocks);
  nowMs = 1_000_000_000_000;
  uploads = 0;
  journal: OpenJournal;
  folderId = 0;
  #stamps = 0;
  /** What is found in the collection is not recorded while a save of ours is on its way there. */
  #saving = false;
  #view: DatabaseSync;

  constructor() {
    this.journal = openJournal({ path: this.path });
    this.#view = new DatabaseSync(this.path, { readOnly: true });
  }

  async open(): Promise<void> {
    this.folderId = (await this.journal.openFolder('pair')).id;
  }

  async restart(): Promise<void> {
    await this.journal.close();
    this.journal = openJournal({ path: this.path });
    if (this.journal.movedAside !== null) {
      throw new Error('a good journal was moved aside');
    }
    await this.open();
  }

  async close(): Promise<void> {
    this.#view.close();
    await this.journal.close();
    rmSync(this.folder, { recursive: true });
  }

  write(path: string, content: string): void {
    for (const dir of above(path)) {
      if (this.disk.get(dir)?.kind !== 'dir') {
        this.disk.set(dir, { kind: 'dir' });
      }
    }
    this.remove(path);
    const stamp = `${content.length}:${++this.#stamps}`;
    this.contentOfStamp.set(stamp, content);
    this.disk.set(path, { kind: 'file', content, stamp, changedAtMs: this.nowMs });
  }

  mkdir(path: string): void {
    if (this.disk.get(path)?.kind === 'dir') {
      return;
    }
    this.write(path, '');
    this.disk.set(path, { kind: 'dir' });
  }

  remove(path: string): void {
    for (const other of [...this.disk.keys()]) {
      if (other === path || other.startsWith(`${path}/`)) {
        this.disk.delete(other);
      }
    }
  }

  /** Files below a renamed folder keep their stamps; a renamed file gets a new one, as its ctime moves. */
  rename(from: string, to: string): void {
    const node = this.disk.get(from);
    if (node === undefined || to === from || to.startsWith(`${from}/`) || from.startsWith(`${to}/`)) {
      return;
    }
    const moved = [...this.disk].filter(([path]) => path.startsWith(`${from}/`));
    if (node.kind === 'file') {
      this.write(to, node.content);
    } else {
      this.remove(to);
      this.mkdir(to);
    }
    for (const [path, inside] of moved) {
      this.disk.set(to + path.slice(from.length), inside);
    }
    this.remove(from);
  }

  rows(): SeenRow[] {
    return this.#view
      .prepare(`SELECT id, dir, name, kind, state, stamp FROM entry WHERE folder_id = ? ORDER BY dir, name`)
      .all(this.folderId)
      .map((row) => ({
        id: Number(row.id),
        path: row.dir === '' ? String(row.name) : `${row.dir}/${row.name}`,
        kind: String(row.kind),
        state: String(row.state),
        stamp: String(row.stamp),
      }));
  }

  /** What a scan would report now. */
  changes(goneWhole = false): TreeChange[] {
    const known = new Map(
      this.rows()
        .filter((row) => row.state !== 'gone' && row.state !== 'deleted')
        .map((row) => [row.path, row]),
    );
    const changes: TreeChange[] = [];
    const gone = (path: string) => {
      const row = known.get(path);
      if (row !== undefined && !goneWhole) {
        for (const other of [...known.keys()].filter((key) => key.startsWith(`${path}/`)).reverse()) {
          changes.push({ type: 'gone', path: other, wasDir: known.get(other)?.kind === 'dir' });
          known.delete(other);
        }
      }
      changes.push({ type: 'gone', path, wasDir: row?.kind === 'dir' });
      for (const other of [...known.keys()].filter((key) => key.startsWith(`${path}/`))) {
        known.delete(other);
      }
      known.delete(path);
    };
    for (const [path, node] of [...this.disk].sort(([left], [right]) => (left < right ? -1 : 1))) {
      const row = known.get(path);
      const diskPath = `/disk/${path}`;
      if (above(path).some((dir) => this.held.has(dir))) {
        continue;
      }
      if (this.held.has(path)) {
        changes.push({
          type: 'held',
          path,
          diskPath,
          error: { code: 'FILE_DENIED', name: 'KeepsyncError', message: 'no permission' },
        });
      } else if (node.kind === 'dir') {
        if (row?.kind === 'file' && row.state !== 'held') {
          gone(path);
        }
        if (row?.kind !== 'dir' || row.state === 'held') {
          changes.push({ type: 'dir', path, diskPath });
        }
      } else {
        if (row?.kind === 'dir' && row.state !== 'held') {
          gone(path);
        }
        if (row?.kind !== 'file' || row.stamp !== node.stamp) {
          const stat = {
            kind: 'file' as const,
            sizeBytes: node.content.length,
            stamp: node.stamp,
            changedAtMs: node.changedAtMs,
          };
          changes.push({ type: 'file', path, diskPath, stat });
        }
      }
    }
    for (const path of [...known.keys()]) {
      const isHeld = [path, ...above(path)].some((part) => this.held.has(part) && this.disk.has(part));
      if (known.has(path) && !this.disk.has(path) && !isHeld) {
        gone(path);
      }
    }
    return changes;
  }

  async scan(batch = 1_000, goneWhole = false): Promise<void> {
    await this.journal.writeFound(this.folderId);
    const changes = this.changes(goneWhole);
    for (let start = 0; start < changes.length; start += batch) {
      await this.journal.recordChanges(this.folderId, changes.slice(start, start + batch), {
        nowMs: this.nowMs,
        calm: CALM,
      });
    }
  }

  /** Reads and uploads what is due, as the uploader does: known bytes, packed blocks, pieces of 8 bytes. */
  async upload(ttlMs: number, limit = 1_000): Promise<number> {
    if (!this.#saving && (await this.journal.mayAdopt(this.folderId))) {
      await this.#adopt();
    }
    const files = await this.journal.claimPending(this.folderId, this.nowMs, {
      files: limit,
      bytes: 1_000_000,
    });
    const small: Array<{ entryId: number; stamp: string; content: string }> = [];
    for (const file of files) {
      const node = this.disk.get(file.diskPath.replace(/^\/disk\//, ''));
      if (node?.kind !== 'file' || node.stamp !== file.stamp) {
        await this.journal.releaseFiles([file.entryId]);
      } else if (node.content === '' || this.#isKnown(node.content)) {
        await this.journal.recordKnownFiles(
          this.folderId,
          [{ entryId: file.entryId, stamp: file.stamp, digest: md5(node.content) }],
          this.nowMs,
        );
      } else if (node.content.length > 8) {
        await this.#uploadLarge(file.entryId, file.stamp, node.content, ttlMs);
      } else {
        small.push({ entryId: file.entryId, stamp: file.stamp, content: node.content });
      }
    }
    if (small.length > 0) {
      const content = small.map((file) => file.content).join('');
      let offset = 0;
      const stored = small.map((file) => {
        const lengthBytes = file.content.length;
        offset += lengthBytes;
        return {
          entryId: file.entryId,
          stamp: file.stamp,
          digest: md5(file.content),
          offset: offset - lengthBytes,
          lengthBytes,
        };
      });
      await this.journal.recordPackedBlock(this.folderId, this.#put(content, ttlMs), stored, this.nowMs);
    }
    return files.length;
  }

  /** Compares what waits with what the collection has at its path, as the adopter does. */
  async #adopt(): Promise<void> {
    await this.journal.beginAdoption(this.folderId, this.nowMs);
    for (;;) {
      const block = await this.journal.nextAdoptable(this.folderId, this.nowMs);
      if (block === undefined) {
        return;
      }
      const theirs = this.blocks.get(`${block.md5}+${block.sizeBytes}`) ?? '';
      const verdicts = block.ranges.map(({ diskPath, stamp, position, offset, lengthBytes }) => {
        const node = this.disk.get(diskPath.replace(/^\/disk\//, ''));
        if (node?.kind !== 'file' || node.stamp !== stamp) {
          return { outcome: 'unread' } as const;
        }
        const ours = node.content.slice(position, position + lengthBytes);
        return ours === theirs.slice(offset, offset + lengthBytes)
          ? ({ outcome: 'equal', digest: md5(ours) } as const)
          : ({ outcome: 'differs' } as const);
      });
      await this.journal.recordAdoption(this.folderId, verdicts, this.nowMs);
    }
  }

  async #uploadLarge(entryId: number, stamp: string, content: string, ttlMs: number): Promise<void> {
    const there = await this.journal.piecesOf(entryId, stamp, this.nowMs + 60_000);
    for (let index = 0; index * 8 < content.length; index += 1) {
      const piece = content.slice(index * 8, index * 8 + 8);
      if (!there.includes(index)) {
        const known = await this.journal.knownBlock(`${md5(piece)}+${piece.length}`, this.nowMs + 60_000);
        const block =
          known === undefined
            ? this.#put(piece, ttlMs)
            : { locator: known, sizeBytes: piece.length, reused: true };
        const row = { entryId, stamp, index, lengthBytes: piece.length };
        await this.journal.recordPieceBlock(this.folderId, block, row, this.nowMs);
      }
    }
    if (!(await this.journal.recordLargeFile(entryId, stamp, this.nowMs))) {
      throw new Error('a large file of which all pieces were recorded is not whole');
    }
  }

  #put(content: string, ttlMs: number) {
    this.uploads += 1;
    this.blocks.set(`${md5(content)}+${content.length}`, content);
    return { locator: signed(content, this.nowMs + ttlMs), sizeBytes: content.length, reused: false };
  }

  #isKnown(content: string): boolean {
    const sql = `SELECT 1 FROM entry WHERE folder_id = ? AND size = ? AND digest = ?`;
    return this.#view.prepare(sql).get(this.folderId, content.length, md5(content)) !== undefined;
  }

  /** One save as the saver does it; `meanwhile` runs between building and sending. */
  async save(options: {
    readonly outcome?: 'done' | 'answer-lost' | 'refused' | 'killed';
    readonly limitBytes?: number;
    readonly conflicts?: 'keep-beside' | 'overwrite';
    readonly meanwhile?: () => Promise<void>;
  }): Promise<BuiltSave | undefined> {
    const { journal, folderId, remote } = this;
    const folder = await journal.openFolder('pair');
    const seenPdh = remote.pdh;
    const remoteUnchanged = seenPdh === folder.remotePdh;
    const remoteManifest =
      !remoteUnchanged || (await journal.needsRemote(folderId))
        ? remote.manifest(this.nowMs + 1_000_000)
        : undefined;
    if (remoteManifest !== undefined) {
      await journal.refreshSignatures(folderId, remoteManifest);
    }
    const built = await journal.buildSave({
      folderId,
      nowMs: this.nowMs,
      signatureValidUntilMs: this.nowMs + 60_000,
      remoteUnchanged,
      limitBytes: options.limitBytes ?? 1_000_000,
      ...(remoteManifest === undefined ? {} : { remoteManifest }),
      conflicts: options.conflicts ?? 'keep-beside',
    });
    if (built === undefined) {
      await journal.updateFolder(folderId, { remotePdh: seenPdh });
      return undefined;
    }
    this.#saving = true;
    try {
      await options.meanwhile?.();
    } finally {
      this.#saving = false;
    }
    if (options.outcome === 'refused') {
      await journal.abandonSave(built.saveId);
      return built;
    }
    if (Object.keys(built.replaceFiles).length > 0) {
      remote.apply(built, this.nowMs);
    }
    if (options.outcome === 'answer-lost') {
      await journal.abandonSave(built.saveId);
    } else if (options.outcome === 'killed') {
      await this.restart();
    } else {
      await journal.finishSave(built.saveId, {
        atMs: this.nowMs,
        portableDataHash: remote.pdh,
        version: 1,
        collided: false,
      });
    }
    return built;
  }

  /** Scans, uploads and saves until nothing is left to do. */
  async settle(conflicts: 'keep-beside' | 'overwrite' = 'keep-beside'): Promise<void> {
    // What was going on below a folder that cannot be read can only end when it can be read again.
    for (const path of [...this.held]) {
      const hadChildren = this.rows().some((row) => row.path.startsWith(`${path}/`));
      if (this.disk.get(path)?.kind !== 'file' || hadChildren) {
        this.held.delete(path);
      }
    }
    for (let round = 0; round < 50; round += 1) {
      await this.scan();
      await this.journal.confirmDeletes(this.folderId, 'mirror', 'person');
      await this.journal.retry(this.folderId, { nowMs: this.nowMs });
      const uploaded = await this.upload(1_000_000_000);
      const saved = await this.save({ conflicts });
      const counts = await this.journal.counts(this.folderId);
      const open = counts.pending.files + counts.stored.files + counts.deleted.files + counts.dirsToSave;
      if (
        uploaded === 0 &&
        saved === undefined &&
        open === 0 &&
        counts.gone.files === 0 &&
        this.changesLeft() === 0
      ) {
        return;
      }
    }
    throw new Error(`it does not settle: ${JSON.stringify(this.rows())}`);
  }

  changesLeft(): number {
    return this.changes().filter((change) => change.type !== 'held').length;
  }
}

import type { RawStat, SyncDisk } from '../../src/local/sync-disk.ts';

type SimNode = {
  readonly kind: 'file' | 'dir' | 'link' | 'fifo';
  readonly ino: bigint;
  dev: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  isDenied: boolean;
  /** Of a file. */
  content: SimContent;
  /** Of a folder. */
  readonly children: Map<string, SimNode>;
  /** Of a folder: names that are no UTF-8, as they are shown. */
  readonly undecodable: string[];
  /** Of a link. */
  readonly target: string;
};

/** Bytes, or so many zeros that are not kept anywhere. */
type SimContent = Uint8Array | { readonly zeros: number };

type FaultyCall = 'list' | 'lstat' | 'stat' | 'open' | 'read';

interface Fault {
  readonly call: FaultyCall;
  readonly code: string;
  timesLeft: number;
}

export interface SimDiskOptions {
  /** Wall clock in milliseconds; file times follow it. */
  readonly nowMs: () => number;
  /** A read gives at most so many bytes at a time. */
  readonly readMaxBytes?: number;
  /** File times move in steps of so many nanoseconds; by default every change has a time of its own. */
  readonly timeStepNs?: bigint;
}

const MODES = { file: 0o100644n, dir: 0o040755n, link: 0o120777n, fifo: 0o010644n };
/** As many links in a row as Linux follows. */
const MAX_LINKS = 40;

export class SimError extends Error {
  readonly code: string;

  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

/**
 * A disk in memory, wholly determined by what is done to it and by the clock it is given. Paths are absolute, with
 * slashes. The first half is what a person or a program does to it, the second what the product sees.
 */
export class SimDisk implements SyncDisk {
  readonly separator = '/';
  readonly caseSensitive = true;
  readonly #options: SimDiskOptions;
  readonly #top: SimNode;
  readonly #handles = new Map<number, { readonly node: SimNode; readonly path: string }>();
  readonly #faults = new Map<string, Fault[]>();
  readonly #onRead = new Map<string, () => void>();
  readonly #listeners = new Set<(path: string) => void>();
  readonly #calls = new Map<string, number>();
  /** What a person does to the disk asks nobody for permission. */
  #mayAll = false;
  #nextIno = 2n;
  #nextHandle = 3;
  #lastNs = 0n;

  constructor(options: SimDiskOptions) {
    this.#options = options;
    this.#top = this.#create('dir');
  }

  // what is done to the disk

  /** A new file, or new content for the same inode; folders above are made. */
  write(path: string, content: string | Uint8Array): void {
    this.#put(path, typeof content === 'string' ? new TextEncoder().encode(content) : content.slice());
  }

  /** A file that is one great hole. */
  writeSparse(path: string, sizeBytes: number): void {
    this.#put(path, { zeros: sizeBytes });
  }

  append(path: string, content: string): void {
    const before = this.bytesOf(path);
    const added = new TextEncoder().encode(content);
    const after = new Uint8Array(before.length + added.length);
    after.set(before);
    after.set(added, before.length);
    this.#put(path, after);
  }

  /** As editors save: a new inode that takes the name. */
  replace(path: string, content: string): void {
    this.write(`${path}.saving`, content);
    this.rename(`${path}.saving`, path);
  }

  mkdir(path: string): void {
    this.#dirAt(path, true);
  }

  mkfifo(path: string): void {
    this.#attach(path, this.#create('fifo'));
  }

  symlink(target: string, path: string): void {
    this.#attach(path, this.#create('link', target));
  }

  /** A second name for a file. */
  link(existing: string, path: string): void {
    const node = this.#freely(() => this.#resolve(existing, false));
    this.#attach(path, node);
    node.ctimeNs = this.#tick();
    this.#touched(existing);
  }

  /** Moves what is there and replaces what the new name stood for. Only the moved entry's own ctime changes. */
  rename(from: string, to: string): void {
    const node = this.#freely(() => this.#resolve(from, false));
    const [dir, name] = this.#split(from, false);
    dir.children.delete(name);
    dir.mtimeNs = this.#tick();
    this.#touched(from);
    this.#attach(to, node);
    node.ctimeNs = this.#tick();
  }

  /** A file, or a folder with everything in it. */
  remove(path: string): void {
    const [dir, name] = this.#split(path, false);
    if (!dir.children.delete(name)) {
      throw new SimError('ENOENT', path);
    }
    dir.mtimeNs = this.#tick();
    this.#touched(path);
  }

  /** As `chmod 000` for somebody who is not root. */
  deny(path: string, isDenied = true): void {
    const node = this.#freely(() => this.#resolve(path, false));
    node.isDenied = isDenied;
    node.ctimeNs = this.#tick();
    this.#touched(path);
  }

  /** As `touch -d`. */
  setMtime(path: string, mtimeMs: number): void {
    const node = this.#freely(() => this.#resolve(path, true));
    node.mtimeNs = BigInt(Math.round(mtimeMs)) * 1_000_000n;
    node.ctimeNs = this.#tick();
    this.#touched(path);
  }

  /** An entry whose name is not UTF-8. */
  addUndecodable(dir: string, shown: string): void {
    this.#dirAt(dir, true).undecodable.push(shown);
    this.#touched(`${dir}/${shown.replaceAll(/\\x[0-9A-F]{2}/g, '\uFFFD')}`);
  }

  /** Another, empty disk takes the place of a folder, as when a disk is unplugged. Returns the way back. */
  unmount(path: string): () => void {
    const [dir, name] = this.#split(path, false);
    const before = this.#resolve(path, false);
    const bare = this.#create('dir');
    bare.dev = 99n;
    dir.children.set(name, bare);
    return () => dir.children.set(name, before);
  }

  /** The next calls of this kind on this path fail with a system error. */
  fail(path: string, call: FaultyCall, code: string, times = Number.POSITIVE_INFINITY): void {
    const faults = this.#faults.get(path) ?? [];
    faults.push({ call, code, timesLeft: times });
    this.#faults.set(path, faults);
  }

  heal(path: string): void {
    this.#faults.delete(path);
  }

  /** Runs once, right after the next bytes of this file were read: an edit in the midst of a read. */
  onNextRead(path: string, action: () => void): void {
    this.#onRead.set(path, action);
  }

  bytesOf(path: string): Uint8Array {
    const { content } = this.#freely(() => this.#resolve(path, true));
    return content instanceof Uint8Array ? content : new Uint8Array(content.zeros);
  }

  /** What the product's `lstat` would say now, without being a call of the product: it meets no fault and is not counted. */
  peek(path: string): RawStat | undefined {
    const node = this.#freely(() => this.#find(path, false));
    return node === undefined ? undefined : toRawStat(node);
  }

  kindAt(path: string): SimNode['kind'] | undefined {
    return this.#freely(() => this.#find(path, false))?.kind;
  }

  /** Takes away every fault, every denied permission and every name that is not UTF-8. */
  healAll(): void {
    this.#faults.clear();
    this.#onRead.clear();
    const heal = (node: SimNode, path: string) => {
      node.undecodable.length = 0;
      if (node.isDenied) {
        node.isDenied = false;
        node.ctimeNs = this.#tick();
        this.#touched(path);
      }
      for (const [name, child] of node.children) {
        heal(child, `${path}/${name}`);
      }
    };
    heal(this.#top, '');
  }

  exists(path: string): boolean {
    return this.#freely(() => this.#find(path, false)) !== undefined;
  }

  /** Paths of all files below a folder, without following links. */
  filesBelow(dir: string): string[] {
    const paths: string[] = [];
    const walk = (node: SimNode, path: string) => {
      for (const [name, child] of node.children) {
        if (child.kind === 'dir') {
          walk(child, `${path}/${name}`);
        } else if (child.kind === 'file') {
          paths.push(`${path}/${name}`);
        }
      }
    };
    walk(this.#resolve(dir, true), dir);
    return paths.sort();
  }

  /** Told of every path that something was done to. */
  onTouched(listener: (path: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get openHandles(): number {
    return this.#handles.size;
  }

  /** How often the product made this call. */
  callsOf(call: FaultyCall | 'fstat' | 'close'): number {
    return this.#calls.get(call) ?? 0;
  }

  // what the product sees

  list(path: string): { names: string[]; undecodable: string[] } {
    this.#enterCall('list', path);
    const node = this.#resolve(path, true);
    if (node.kind !== 'dir') {
      throw new SimError('ENOTDIR', path);
    }
    if (node.isDenied) {
      throw new SimError('EACCES', path);
    }
    return { names: [...node.children.keys()].sort(), undecodable: [...node.undecodable] };
  }

  lstat(path: string): RawStat | undefined {
    this.#enterCall('lstat', path);
    const node = this.#find(path, false);
    return node === undefined ? undefined : toRawStat(node);
  }

  stat(path: string): RawStat | undefined {
    this.#enterCall('stat', path);
    const node = this.#find(path, true);
    return node === undefined ? undefined : toRawStat(node);
  }

  open(path: string): number {
    this.#enterCall('open', path);
    const node = this.#resolve(path, true);
    if (node.isDenied) {
      throw new SimError('EACCES', path);
    }
    const handle = this.#nextHandle++;
    this.#handles.set(handle, { node, path });
    return handle;
  }

  fstat(handle: number): RawStat {
    const { node, path } = this.#handleOf(handle);
    this.#enterCall('fstat', path);
    return toRawStat(node);
  }

  read(handle: number, into: Uint8Array, offset: number, lengthBytes: number, position: number): number {
    const { node, path } = this.#handleOf(handle);
    this.#enterCall('read', path);
    if (node.kind === 'dir') {
      throw new SimError('EISDIR', path);
    }
    const sizeBytes = sizeOf(node);
    const count = Math.max(
      0,
      Math.min(lengthBytes, sizeBytes - position, this.#options.readMaxBytes ?? lengthBytes),
    );
    if (node.content instanceof Uint8Array) {
      into.set(node.content.subarray(position, position + count), offset);
    } else {
      into.fill(0, offset, offset + count);
    }
    const action = this.#onRead.get(path);
    this.#onRead.delete(path);
    action?.();
    return count;
  }

  close(handle: number): void {
    const { path } = this.#handleOf(handle);
    this.#enterCall('close', path);
    this.#handles.delete(handle);
  }

  #handleOf(handle: number) {
    const open = this.#handles.get(handle);
    if (open === undefined) {
      throw new SimError('EBADF', String(handle));
    }
    return open;
  }

  #enterCall(call: FaultyCall | 'fstat' | 'close', path: string): void {
    this.#calls.set(call, (this.#calls.get(call) ?? 0) + 1);
    for (const fault of this.#faults.get(path) ?? []) {
      if (fault.call === call && fault.timesLeft > 0) {
        fault.timesLeft--;
        throw new SimError(fault.code, path);
      }
    }
  }

  #create(kind: SimNode['kind'], target = ''): SimNode {
    const now = this.#tick();
    return {
      kind,
      ino: this.#nextIno++,
      dev: 1n,
      mtimeNs: now,
      ctimeNs: now,
      isDenied: false,
      content: new Uint8Array(0),
      children: new Map(),
      undecodable: [],
      target,
    };
  }

  #put(path: string, content: SimContent): void {
    const existing = this.#freely(() => this.#find(path, true));
    const node = existing ?? this.#create('file');
    node.content = content;
    if (existing === undefined) {
      this.#attach(path, node);
    } else {
      node.mtimeNs = this.#tick();
      node.ctimeNs = node.mtimeNs;
      this.#touched(path);
    }
  }

  #attach(path: string, node: SimNode): void {
    const [dir, name] = this.#split(path, true);
    dir.children.set(name, node);
    dir.mtimeNs = this.#tick();
    this.#touched(path);
  }

  #touched(path: string): void {
    for (const listener of this.#listeners) {
      listener(path);
    }
  }

  #tick(): bigint {
    const now = BigInt(Math.round(this.#options.nowMs())) * 1_000_000n;
    const { timeStepNs } = this.#options;
    if (timeStepNs !== undefined) {
      return now - (now % timeStepNs);
    }
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n;
    return this.#lastNs;
  }

  #split(path: string, make: boolean): [dir: SimNode, name: string] {
    const end = path.lastIndexOf('/');
    return [this.#dirAt(path.slice(0, end), make), path.slice(end + 1)];
  }

  #dirAt(path: string, make: boolean): SimNode {
    let node = this.#top;
    let at = '';
    for (const part of path.split('/').filter((name) => name !== '')) {
      at += `/${part}`;
      let child = node.children.get(part);
      if (child?.kind === 'link') {
        child = this.#resolve(at, true);
      }
      if (child === undefined && make) {
        child = this.#create('dir');
        node.children.set(part, child);
        this.#touched(at);
      }
      if (child === undefined) {
        throw new SimError('ENOENT', path);
      }
      if (child.kind !== 'dir') {
        throw new SimError('ENOTDIR', path);
      }
      node = child;
    }
    return node;
  }

  #freely<T>(work: () => T): T {
    this.#mayAll = true;
    try {
      return work();
    } finally {
      this.#mayAll = false;
    }
  }

  #find(path: string, followLast: boolean): SimNode | undefined {
    try {
      return this.#resolve(path, followLast);
    } catch (thrown) {
      if (thrown instanceof SimError && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')) {
        return undefined;
      }
      throw thrown;
    }
  }

  #resolve(path: string, followLast: boolean, links = 0): SimNode {
    let node = this.#top;
    let at = '';
    const parts = path.split('/').filter((name) => name !== '');
    for (const [index, part] of parts.entries()) {
      if (node.kind !== 'dir') {
        throw new SimError('ENOTDIR', path);
      }
      if (node.isDenied && !this.#mayAll) {
        throw new SimError('EACCES', path);
      }
      let child = node.children.get(part);
      if (child === undefined) {
        throw new SimError('ENOENT', path);
      }
      if (child.kind === 'link' && (followLast || index < parts.length - 1)) {
        if (links >= MAX_LINKS) {
          throw new SimError('ELOOP', path);
        }
        const target = child.target.startsWith('/') ? child.target : `${at}/${child.target}`;
        child = this.#resolve(normalise(target), true, links + 1);
      }
      node = child;
      at += `/${part}`;
    }
    return node;
  }
}

function sizeOf(node: SimNode): number {
  return node.content instanceof Uint8Array ? node.content.length : node.content.zeros;
}

function toRawStat(node: SimNode): RawStat {
  return {
    mode: MODES[node.kind],
    size: BigInt(sizeOf(node)),
    mtimeNs: node.mtimeNs,
    ctimeNs: node.ctimeNs,
    dev: node.dev,
    ino: node.ino,
  };
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') {
      parts.pop();
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return `/${parts.join('/')}`;
}

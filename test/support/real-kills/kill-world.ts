import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../../src/base/log.ts';
import { startCluster } from '../../../src/cluster/cluster.ts';
import type { LocalCluster } from '../../../src/cluster/cluster-options.ts';
import { stampOf } from '../../../src/local/sync-disk.ts';
import { openJournal } from '../../../src/sync/journal.ts';
import { ClusterClient } from '../cluster-client.ts';
import { filesOf } from '../fake-collections.ts';
import { type Moment, MomentProxy, type Passing } from './moment-proxy.ts';

/** The source, or with KEEPSYNC_PROGRAM a built command, which starts in a third of the time. */
const MAIN =
  process.env.KEEPSYNC_PROGRAM ?? fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const POLL_MS = 100;

/** What is waited for before the kill: so long after the nth time that a request of this kind is at this moment. */
export interface KillPoint {
  readonly what: 'block' | 'create' | 'save' | 'start';
  readonly moment: Moment;
  readonly nth: number;
  readonly delayMs: number;
}

interface SentBlock {
  readonly md5: string;
  readonly bytes: number;
  /** The life in which it was sent. */
  readonly life: number;
}

/** A real daemon on a real disk and a local cluster behind proxies that know when to kill it. */
export class KillWorld {
  /** New bytes that the folder was given so far: what has to be sent at least. */
  newBytes = 0;
  /** Bytes of all blocks that were sent, by all lives. */
  sentBytes = 0;
  /** Bytes of blocks that the journal did not have yet at a kill: in flight, or answered just before. All may be sent again. */
  unrecordedBytes = 0;
  /** The most of those blocks that there were at one kill. */
  mostUnrecorded = 0;
  /** A program with its first arguments that runs commands where the daemon's disk is; empty where that is everybody's. */
  commandThrough: readonly string[] = [];
  readonly #dir: string;
  readonly #cluster: LocalCluster;
  readonly #client: ClusterClient;
  readonly #keepProxy: MomentProxy;
  readonly #apiProxy: MomentProxy;
  readonly #sent: SentBlock[] = [];
  readonly #md5s = new Map<string, string>();
  #onMoment: (what: KillPoint['what'], moment: Moment) => void = () => undefined;
  #child: ChildProcess | undefined;
  #stderr = '';
  #remote: ReadonlyMap<string, string> = new Map();
  #life = 0;

  private constructor(dir: string, cluster: LocalCluster, proxies: { keep: MomentProxy; api: MomentProxy }) {
    this.#dir = dir;
    this.#cluster = cluster;
    this.#client = new ClusterClient(cluster);
    this.#keepProxy = proxies.keep;
    this.#apiProxy = proxies.api;
    mkdirSync(this.path('data'), { recursive: true });
    mkdirSync(this.path('profile'), { recursive: true });
    mkdirSync(this.path('home'));
    writeFileSync(
      this.path('profile', 'settings.json'),
      JSON.stringify({ version: 1, uploads: { calmBaseMs: 0, calmMaxMs: 0 } }),
    );
  }

  static async open(): Promise<KillWorld> {
    const dir = mkdtempSync(join(tmpdir(), 'keepsync-kills-'));
    const cluster = await startCluster({ dataDir: join(dir, 'cluster'), log: silentLog });
    let world: KillWorld | undefined;
    const keep = await MomentProxy.start({
      target: cluster.keepUrls[0] ?? '',
      onMoment: (moment, passing) => world?.atKeep(moment, passing),
    });
    const api = await MomentProxy.start({
      target: `https://${cluster.apiHost}`,
      tls: { certificateFile: cluster.caFile, keyFile: join(dirname(cluster.caFile), 'key.pem') },
      onMoment: (moment, passing) => world?.atApi(moment, passing),
    });
    world = new KillWorld(dir, cluster, { keep, api });
    return world;
  }

  path(...parts: string[]): string {
    return join(this.#dir, ...parts);
  }

  get token(): string {
    return this.#cluster.token;
  }

  /** Of the daemon that runs. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) {
      throw new Error('the daemon does not run');
    }
    return pid;
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#keepProxy.close();
    await this.#apiProxy.close();
    await this.#cluster.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** New content at a path of the folder. */
  write(path: string, sizeBytes: number): void {
    const whole = this.path('data', path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, randomFillSync(new Uint8Array(sizeBytes)));
    this.newBytes += sizeBytes;
  }

  rename(from: string, to: string): void {
    mkdirSync(dirname(this.path('data', to)), { recursive: true });
    renameSync(this.path('data', from), this.path('data', to));
  }

  remove(path: string): void {
    rmSync(this.path('data', path));
  }

  /** Runs a command of keepsync to its end; throws what it said where it failed. */
  async command(...args: string[]): Promise<string> {
    const { exitCode, out, err } = await this.#run(args);
    if (exitCode !== 0) {
      throw new Error(`keepsync ${args.join(' ')} ended with ${exitCode}: ${err}`);
    }
    return out;
  }

  /** What `status` says, in JSON; its exit code tells of problems, too. */
  async status(): Promise<unknown> {
    const { out, err } = await this.#run(['status', '--json']);
    if (out === '') {
      throw new Error(`keepsync status said nothing: ${err}`);
    }
    return JSON.parse(out);
  }

  async #run(args: readonly string[]) {
    const child = this.#spawn(['--profile', this.path('profile'), ...args], this.commandThrough);
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { exitCode, out, err };
  }

  /** Starts the daemon; `through`: a program with its first arguments that runs the command that follows them. */
  start(through: readonly string[] = []): void {
    this.#life += 1;
    this.#stderr = '';
    const child = this.#spawn(['--profile', this.path('profile'), 'daemon'], through);
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    child.stdout?.resume();
  }

  /** Resolves when the daemon is dead of a kill at that point. Rejects where it ended by itself. */
  async killAt(point: KillPoint): Promise<void> {
    const child = this.#child;
    if (child === undefined) {
      throw new Error('the daemon does not run');
    }
    let left = point.nth;
    const kill = () => {
      child.kill('SIGKILL');
    };
    const timers: NodeJS.Timeout[] = [];
    const killLater = () => {
      if (point.delayMs === 0) {
        kill();
      } else {
        timers.push(setTimeout(kill, point.delayMs));
      }
    };
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('close', (_code, signal) => resolve(signal)),
    );
    if (point.what === 'start') {
      killLater();
    } else {
      this.#onMoment = (what, moment) => {
        if (what === point.what && moment === point.moment) {
          left -= 1;
          if (left === 0) {
            killLater();
          }
        }
      };
    }
    const signal = await ended;
    this.#onMoment = () => undefined;
    this.#child = undefined;
    for (const timer of timers) {
      clearTimeout(timer);
    }
    if (signal !== 'SIGKILL') {
      throw new Error(`the daemon ended by itself: ${this.#stderr}`);
    }
  }

  /** Ends the daemon as Ctrl-C does. */
  async interrupt(): Promise<void> {
    const child = this.#child;
    if (child !== undefined) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGINT');
      await ended;
      this.#child = undefined;
    }
  }

  /** What the folder looks like from outside: names, sizes, times, inodes. Uploading must not change it. */
  looks(): Map<string, string> {
    return new Map(
      this.#paths().map((path) => {
        const stat = lstatSync(this.path('data', path), { bigint: true });
        return [path, `${stat.mode} ${stat.nlink} ${stampOf(stat)}`];
      }),
    );
  }

  /** md5 by path, on disk. Contents are read once for each stamp. */
  local(): Map<string, string> {
    return new Map(
      this.#paths().map((path) => {
        const whole = this.path('data', path);
        const key = `${path} ${stampOf(lstatSync(whole, { bigint: true }))}`;
        const md5 = this.#md5s.get(key) ?? md5Of([readFileSync(whole)]);
        this.#md5s.set(key, md5);
        return [path, md5];
      }),
    );
  }

  /** Files of which the collection had just this content when the journal was checked last. */
  savedPaths(): string[] {
    return [...this.local()].filter(([path, md5]) => this.#remote.get(path) === md5).map(([path]) => path);
  }

  /** md5 by path, in the collection, read from Keep; empty where there is none yet. */
  async remote(): Promise<Map<string, string>> {
    const collections = await this.#client.list('collections');
    if (collections.length > 1) {
      throw new Error(`there are ${collections.length} collections`);
    }
    const uuid = collections[0]?.uuid;
    const files = new Map<string, string>();
    if (uuid === undefined) {
      return files;
    }
    const { manifest_text: manifest } = await this.#client.good('GET', `collections/${String(uuid)}`);
    for (const [path, ranges] of filesOf(String(manifest))) {
      if (path.endsWith('/')) {
        continue;
      }
      const key = ranges
        .map(({ locator, offset, length }) => `${locator.slice(0, 32)} ${offset} ${length}`)
        .join();
      let md5 = this.#md5s.get(key);
      if (md5 === undefined) {
        const parts: Uint8Array[] = [];
        for (const { locator, offset, length } of ranges) {
          const block =
            length === 0 ? Buffer.alloc(0) : (await this.#client.keep('GET', `/${locator}`)).bytes;
          parts.push(block.subarray(offset, offset + length));
        }
        md5 = md5Of(parts);
        this.#md5s.set(key, md5);
      }
      files.set(path, md5);
    }
    return files;
  }

  /**
   * Opens a copy of the journal as the kill left it: it must be whole, and what it calls saved must be in the collection.
   * Returns how many files that are.
   */
  async checkJournal(): Promise<number> {
    const copy = this.path('journal copy');
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy);
    for (const suffix of ['', '-wal', '-shm']) {
      const from = this.path('profile', `journal.sqlite${suffix}`);
      if (existsSync(from)) {
        copyFileSync(from, join(copy, `journal.sqlite${suffix}`));
      }
    }
    const path = join(copy, 'journal.sqlite');
    const journal = openJournal({ path });
    if (journal.movedAside !== null) {
      throw new Error('a kill left a damaged journal behind');
    }
    await journal.verify();
    await journal.close();
    const local = this.local();
    const remote = await this.remote();
    this.#remote = remote;
    const database = new DatabaseSync(path, { readOnly: true });
    this.#countUnrecorded(database);
    let saved = 0;
    for (const { dir, name, stamp } of database
      .prepare(`SELECT dir, name, stamp FROM entry WHERE state = 'saved' AND kind = 'file'`)
      .all()) {
      const at = dir === '' ? String(name) : `${String(dir)}/${String(name)}`;
      const whole = this.path('data', at);
      if (existsSync(whole) && stampOf(lstatSync(whole, { bigint: true })) === stamp) {
        saved += 1;
        if (remote.get(at) !== local.get(at)) {
          throw new Error(`${at} counts as saved, and the collection does not hold it`);
        }
      }
    }
    database.close();
    return saved;
  }

  /** Waits until the collection holds what the folder does, and the daemon says so. The test's timeout is the limit. */
  async settled(): Promise<void> {
    const same = async () => {
      const local = this.local();
      const remote = await this.remote();
      return local.size === remote.size && [...local].every(([path, md5]) => remote.get(path) === md5);
    };
    while (!(await same())) {
      this.#mustRun();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    for (;;) {
      const status = await this.status();
      if (typeof status === 'object' && status !== null && 'tray' in status && status.tray === 'ready') {
        return;
      }
      this.#mustRun();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Files of the profile that hold a text. */
  filesWith(text: string): string[] {
    return readdirSync(this.path('profile'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => readFileSync(path).includes(text));
  }

  atKeep(moment: Moment, { method, path, bodyBytes }: Passing): void {
    const md5 = /^\/([0-9a-f]{32})/.exec(path)?.[1];
    if (method !== 'PUT' || md5 === undefined) {
      return;
    }
    if (moment === 'arrives') {
      this.#sent.push({ md5, bytes: bodyBytes, life: this.#life });
      this.sentBytes += bodyBytes;
    }
    this.#onMoment('block', moment);
  }

  atApi(moment: Moment, { method, path }: Passing): void {
    if (method !== 'GET' && path.startsWith('/arvados/v1/collections')) {
      this.#onMoment(path.startsWith('/arvados/v1/collections/') ? 'save' : 'create', moment);
    }
  }

  /** Which blocks of the life that just ended are not in the journal it left behind. */
  #countUnrecorded(journal: DatabaseSync): void {
    const recorded = new Set(
      journal
        .prepare('SELECT md5size FROM block')
        .all()
        .map((row) => String(row.md5size).slice(0, 32)),
    );
    const unrecorded = this.#sent.filter((block) => block.life === this.#life && !recorded.has(block.md5));
    this.mostUnrecorded = Math.max(this.mostUnrecorded, unrecorded.length);
    this.unrecordedBytes += unrecorded.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #mustRun(): void {
    if (this.#child === undefined || this.#child.exitCode !== null) {
      throw new Error(`the daemon does not run: ${this.#stderr}`);
    }
  }

  #paths(): string[] {
    return readdirSync(this.path('data'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.path('data').length + 1))
      .sort();
  }

  #spawn(args: readonly string[], through: readonly string[] = []): ChildProcess {
    const [program = process.execPath, ...words] = [...through, process.execPath, MAIN, ...args];
    return spawn(program, words, {
      cwd: this.#dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TMPDIR: tmpdir(),
        HOME: this.path('home'),
        LANG: 'C.UTF-8',
        ...this.#cluster.env(),
        ARVADOS_API_HOST: this.#apiProxy.host,
        ARVADOS_KEEP_SERVICES: `http://${this.#keepProxy.host}`,
      },
    });
  }
}

function md5Of(parts: readonly Uint8Array[]): string {
  const hash = createHash('md5');
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest('hex');
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { systemClock } from '../../../src/base/clock.ts';
import { readIfThere } from '../../../src/base/durable-file.ts';
import { KeepsyncError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { CliEnvironment, OutputStream } from '../../../src/cli/environment.ts';
import { runCli } from '../../../src/cli/program.ts';
import type { CliServices } from '../../../src/cli/services.ts';
import type { LocalCluster } from '../../../src/cluster/cluster-options.ts';
import type { EngineRequest } from '../../../src/engine/connection.ts';
import { createThreadedDisk } from '../../../src/local/threaded-disk.ts';
import type { Diagnosis } from '../../../src/shell/diagnosis.ts';
import { DiagnosticsDesk } from '../../../src/shell/diagnostics.ts';
import type { FakeCollections } from './fake-collection-access.ts';
import { ScriptedEngine } from './scripted-engine.ts';

export const HOST = 'zzzzz.example.org';
export const TOKEN = `v2/zzzzz-gj3su-000000000000001/${'s3cret'.repeat(8)}`;

class Captured extends Writable {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command: what it said so far, a Ctrl-C, and its end. */
export interface LiveRun {
  readonly stdout: () => string;
  readonly stderr: () => string;
  interrupt(): void;
  readonly exited: number[];
  readonly done: Promise<CliRun>;
}

/** The command line in this process: a folder of its own, captured output, and an engine that does as it is told. */
export class CliWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'keepsync-cli-'));
  readonly engine = new ScriptedEngine();
  readonly requests: EngineRequest[] = [];
  readonly clusters: string[] = [];
  /** What a browser was asked to show. */
  readonly opened: string[] = [];
  readonly env: Record<string, string> = {
    ARVADOS_API_HOST: HOST,
    ARVADOS_API_TOKEN: TOKEN,
    LANG: 'C.UTF-8',
  };
  readonly diagnosticsOptions: Array<Parameters<CliServices['openDiagnostics']>[0]> = [];
  /** What `keepsync diagnose` finds. */
  diagnose: (options: Parameters<CliServices['openDiagnostics']>[0]) => Promise<readonly Diagnosis[]> =
    async () => [];
  stdinText = '';
  stdinTty = false;
  stderrTty = false;
  collections: FakeCollections | undefined;
  whoAmI: CliServices['whoAmI'] = async () => ({
    uuid: 'zzzzz-tpzed-000000000000001',
    email: 'ann@example.org',
    name: 'Ann',
    isActive: true,
    tokenExpiresAtMs: null,
  });

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  get profile(): string {
    return this.path('profile');
  }

  file(path: string, content: string | Uint8Array = path): string {
    const whole = this.path(path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
    return whole;
  }

  run(...args: string[]): Promise<CliRun> {
    return this.start(...args).done;
  }

  start(...args: string[]): LiveRun {
    const stdout = new Captured(false);
    const stderr = new Captured(this.stderrTty);
    const stdin = Object.assign(new PassThrough(), { isTTY: this.stdinTty });
    stdin.end(this.stdinText);
    const listeners = new Set<() => void>();
    const exited: number[] = [];
    const env: CliEnvironment = {
      env: this.env,
      cwd: this.dir,
      home: this.path('home'),
      tmpDir: tmpdir(),
      platform: process.platform,
      uid: process.getuid?.(),
      userName: 'ann',
      hostName: 'lab7',
      pid: process.pid,
      stdin,
      stdout: stdout as OutputStream,
      stderr: stderr as OutputStream,
      clock: systemClock,
      random: systemRandom,
      onInterrupt: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      exitNow: (exitCode) => {
        exited.push(exitCode);
      },
    };
    const done = runCli(['--profile', this.profile, ...args], env, () => this.#services()).then(
      (exitCode) => ({
        exitCode,
        stdout: stdout.text,
        stderr: stderr.text,
      }),
    );
    return {
      stdout: () => stdout.text,
      stderr: () => stderr.text,
      interrupt: () => {
        for (const listener of listeners) {
          listener();
        }
      },
      exited,
      done,
    };
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #services(): CliServices {
    const startCluster = async ({ dataDir }: { readonly dataDir: string }) => {
      this.clusters.push(dataDir);
      return fakeCluster(dataDir, () => this.clusters.push('closed'));
    };
    return {
      ambientAccount: async () => {
        const host = this.env.ARVADOS_API_HOST;
        const token = this.env.ARVADOS_API_TOKEN;
        return host === undefined || token === undefined
          ? undefined
          : { host, token, insecure: false, origin: 'environment' };
      },
      whoAmI: (connection, signal) => this.whoAmI(connection, signal),
      openEngine: async (request) => {
        this.requests.push(request);
        this.engine.pairs = await request.pairs.load();
        return { engine: this.engine, close: (how) => this.engine.close(how) };
      },
      openDiagnostics: async (options) => {
        this.diagnosticsOptions.push(options);
        return new DiagnosticsDesk({
          host: options.host,
          diagnose: () => this.diagnose(options),
          readLog: async () => readIfThere(options.paths.logFile).then((text) => text ?? ''),
          system: () => ({ owner: options.owner }),
          secrets: options.secrets,
          names: options.names,
        });
      },
      openOwnerDesk: async () => {
        throw new KeepsyncError('INTERNAL', 'No window in this test');
      },
      openCollections: async () => {
        if (this.collections === undefined) {
          throw new KeepsyncError('OFFLINE', 'No cluster in this test');
        }
        return this.collections;
      },
      startCluster: startCluster,
      openHomeCluster: startCluster,
      openInBrowser: async (target) => {
        this.opened.push(target);
        return true;
      },
      walk: async (request, onChanges, signal) => {
        const disk = createThreadedDisk();
        try {
          return await disk.scan(0, request, onChanges, signal);
        } finally {
          await disk.close();
        }
      },
    };
  }
}

function fakeCluster(dataDir: string, onClose: () => void): LocalCluster {
  return {
    apiHost: 'localhost:4444',
    clusterId: 'zzzzz',
    caFile: join(dataDir, 'cert.pem'),
    token: TOKEN,
    keepUrls: [],
    keepFolders: [],
    env: () => ({ ARVADOS_API_HOST: 'localhost:4444', ARVADOS_API_TOKEN: TOKEN, SSL_CERT_FILE: "it's" }),
    createUser: () => Promise.reject(new Error('not in this test')),
    sweep: async () => undefined,
    close: async () => onClose(),
  };
}

/** Waits until something is so; fails with what it waited for after two minutes. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = Date.now() + 120_000;
  while (!isSo()) {
    if (Date.now() > end) {
      throw new Error(`waited in vain until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

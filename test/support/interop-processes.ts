import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SDK_SERVER = fileURLToPath(new URL('../interop/sdk_server.py', import.meta.url));

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running process: what it said so far, and its end. */
export interface Running {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly done: Promise<Finished>;
}

/** What the Python SDK finds in a collection. */
export interface SdkView {
  /** md5 of each file, read through the SDK. */
  readonly files: Readonly<Record<string, string>>;
  readonly emptyDirs: readonly string[];
  readonly storedManifest: string;
  readonly normalizedPdh: string;
}

/** Starts processes in one environment and ends all that are left. */
export class Processes {
  readonly #env: () => Readonly<Record<string, string>>;
  readonly #cwd: string;
  readonly #children = new Set<ChildProcess>();

  constructor(cwd: string, env: () => Readonly<Record<string, string>>) {
    this.#cwd = cwd;
    this.#env = env;
  }

  start(command: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(command, args, { cwd: this.#cwd, env: { ...this.#env(), ...more } });
    this.#children.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const done = new Promise<Finished>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => {
        this.#children.delete(child);
        resolve({ exitCode, stdout, stderr });
      });
    });
    return { child, stderr: () => stderr, done };
  }

  /** `keepsync` as it stands in the source. */
  keepsync(args: readonly string[], more: Readonly<Record<string, string>> = {}): Running {
    return this.start(process.execPath, [MAIN, ...args], more);
  }

  /** Ends what still runs, and waits for the ends. */
  async cleanUp(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const closed = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        await closed;
      }),
    );
  }
}

/** The Python SDK in one long-lived process; one question at a time. */
export class PythonSdk {
  readonly #running: Running;
  readonly #answers: AsyncIterator<string>;

  constructor(processes: Processes, python: string) {
    this.#running = processes.start(python, [SDK_SERVER]);
    const { stdout } = this.#running.child;
    if (stdout === null) {
      throw new Error('the process has no stdout');
    }
    this.#answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  read(collection: string): Promise<SdkView> {
    return this.#ask({ operation: 'read', collection });
  }

  edit(
    collection: string,
    changes: { readonly write?: Readonly<Record<string, string>>; readonly remove?: readonly string[] },
  ): Promise<{ portableDataHash: string }> {
    return this.#ask({ operation: 'edit', collection, ...changes });
  }

  record(collection: string, fields: readonly string[]): Promise<Record<string, unknown>> {
    return this.#ask({ operation: 'record', collection, fields });
  }

  /** The portable data hash of each manifest once the SDK has normalised it. */
  normalize(manifests: readonly string[]): Promise<string[]> {
    return this.#ask({ operation: 'normalize', manifests });
  }

  async #ask<T>(request: object): Promise<T> {
    this.#running.child.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#answers.next();
    if (line.done === true) {
      throw new Error(`the SDK's process ended: ${(await this.#running.done).stderr}`);
    }
    const answer = JSON.parse(line.value) as { result: T } | { error: string };
    if ('error' in answer) {
      throw new Error(`the SDK: ${answer.error}`);
    }
    return answer.result;
  }
}

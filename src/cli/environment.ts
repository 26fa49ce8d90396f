import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type Clock, systemClock } from '../base/clock.ts';
import { systemCode } from '../base/durable-file.ts';
import { type Random, systemRandom } from '../base/random.ts';

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };
export type InputStream = Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };

/** Everything about the process that a command may look at, so that a test can run one without a process. */
export interface CliEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly tmpDir: string;
  readonly platform: NodeJS.Platform;
  readonly uid: number | undefined;
  readonly userName: string;
  readonly hostName: string;
  readonly pid: number;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  readonly random: Random;
  /** Calls the listener with each SIGINT, SIGTERM and SIGHUP, until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process without waiting for anything. */
  exitNow(exitCode: number): void;
}

/** Ctrl-C, a system that stops us, a terminal that was closed. */
const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function processEnvironment(): CliEnvironment {
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    tmpDir: tmpdir(),
    platform: process.platform,
    uid: process.getuid?.(),
    userName: userName(),
    hostName: hostname(),
    pid: process.pid,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    random: systemRandom,
    onInterrupt: (listener) => {
      for (const signal of INTERRUPTS) {
        process.on(signal, listener);
      }
      return () => {
        for (const signal of INTERRUPTS) {
          process.off(signal, listener);
        }
      };
    },
    exitNow: (exitCode) => process.exit(exitCode),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch (thrown) {
    // a container's user may have no entry in the password file
    if (systemCode(thrown) === undefined && !(thrown instanceof Error)) {
      throw thrown;
    }
    return process.env.USER ?? 'somebody';
  }
}

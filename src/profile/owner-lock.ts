import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { type CancelTimer, type Clock, sleep } from '../base/clock.ts';
import {
  makePrivateDir,
  PRIVATE_FILE_MODE,
  parseJsonOrUndefined,
  readIfThere,
  systemCode,
} from '../base/durable-file.ts';
import { KeepsyncError } from '../base/errors.ts';

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  computer: z.string(),
  /** When the process began, as the system tells it: a pid that was given out again has another. Null: not to be had. */
  processStart: z.string().nullable(),
  startedAtMs: z.number(),
  role: z.enum(['desktop', 'daemon', 'command']),
  version: z.string(),
  /** Where it listens: the proof of life. */
  socketPath: z.string(),
  /** Whoever can read this file may speak to the owner; said in hello. */
  key: z.string().min(16),
});
export type LockOwner = z.infer<typeof ownerSchema>;

/**
 * The owner touches its lock so often. Where nothing better tells whether it lives (it is on another computer, or the system
 * does not say when a process began), a lock that was not touched for four times that is stale.
 */
const TOUCH_EVERY_MS = 30_000;
const TOUCH_STALE_AFTER_MS = 4 * TOUCH_EVERY_MS;
/** A lock file is written right after it is created; one that stays unreadable for longer was left by a crash. */
const UNREADABLE_TRIES = 10;
const UNREADABLE_PAUSE_MS = 100;
const PROBE_TIMEOUT_MS = 2_000;

export interface AcquireLock {
  readonly lockFile: string;
  readonly socketPath: string;
  readonly role: LockOwner['role'];
  readonly version: string;
  readonly clock: Clock;
}

/** The owner as its lock file names it; undefined where there is no lock, or none that can be read. */
export async function readOwner(lockFile: string): Promise<LockOwner | undefined> {
  const text = await readIfThere(lockFile);
  return text === undefined ? undefined : parseOwner(text);
}

/**
 * One owner of a profile at a time. The lock is a file that names its owner; a listening socket proves that the owner
 * lives, a pid with the moment it began stands in for it while the owner starts, and a lock of the dead is taken over.
 */
export class OwnerLock {
  readonly owner: LockOwner;
  readonly #lockFile: string;
  readonly #clock: Clock;
  #cancelTouch: CancelTimer | undefined;
  #released = false;

  private constructor(owner: LockOwner, lockFile: string, clock: Clock) {
    this.owner = owner;
    this.#lockFile = lockFile;
    this.#clock = clock;
    this.#touchLater();
  }

  /** Throws LOCKED, with who it is, where the profile has a living owner. */
  static async acquire(request: AcquireLock): Promise<OwnerLock> {
    const { lockFile, clock } = request;
    await makePrivateDir(dirname(lockFile));
    const owner: LockOwner = {
      pid: process.pid,
      computer: hostname(),
      processStart: await processStart(process.pid),
      startedAtMs: clock.nowMs(),
      role: request.role,
      version: request.version,
      socketPath: request.socketPath,
      key: randomBytes(24).toString('base64url'),
    };
    for (let unreadable = 0; ; ) {
      try {
        await writeFile(lockFile, JSON.stringify(owner), { flag: 'wx', mode: PRIVATE_FILE_MODE });
        return new OwnerLock(owner, lockFile, clock);
      } catch (thrown) {
        if (systemCode(thrown) !== 'EEXIST') {
          throw thrown;
        }
      }
      const text = await readIfThere(lockFile);
      if (text === undefined) {
        continue;
      }
      const other = parseOwner(text);
      if (other === undefined && unreadable < UNREADABLE_TRIES) {
        unreadable += 1;
        await sleep(clock, UNREADABLE_PAUSE_MS);
        continue;
      }
      if (other !== undefined && (await isAlive(other, lockFile, clock))) {
        throw lockedBy(other);
      }
      await removeStale(lockFile, text, clock);
    }
  }

  /** Gives the profile back. Leaves the file alone where somebody else took it over meanwhile. */
  async release(): Promise<void> {
    if (this.#released) {
      return;
    }
    this.#released = true;
    this.#cancelTouch?.();
    const present = await readOwner(this.#lockFile);
    if (present?.key === this.owner.key) {
      await rm(this.#lockFile, { force: true });
    }
  }

  #touchLater(): void {
    this.#cancelTouch = this.#clock.setTimer(TOUCH_EVERY_MS, () => {
      const now = new Date(this.#clock.nowMs());
      const again = () => {
        if (!this.#released) {
          this.#touchLater();
        }
      };
      // a lock that cannot be touched still counts on this computer
      utimes(this.#lockFile, now, now).then(again, again);
    });
  }
}

function parseOwner(text: string): LockOwner | undefined {
  const parsed = ownerSchema.safeParse(parseJsonOrUndefined(text));
  return parsed.success ? parsed.data : undefined;
}

function lockedBy(other: LockOwner): KeepsyncError {
  const what = {
    desktop: 'the Keepsync app',
    daemon: 'keepsync daemon',
    command: 'another keepsync command',
  };
  const where = other.computer === hostname() ? '' : ` on ${other.computer}`;
  return new KeepsyncError(
    'LOCKED',
    `This profile is in use by ${what[other.role]} (process ${other.pid}${where})`,
    {
      action: 'Stop that one first, or use another profile with --profile DIR.',
      info: { pid: other.pid, role: other.role, startedAtMs: other.startedAtMs },
    },
  );
}

async function isAlive(other: LockOwner, lockFile: string, clock: Clock): Promise<boolean> {
  const isTouched = async () => clock.nowMs() - (await stat(lockFile)).mtimeMs < TOUCH_STALE_AFTER_MS;
  if (other.computer !== hostname()) {
    return isTouched();
  }
  if (await answers(other.socketPath)) {
    return true;
  }
  if (!processExists(other.pid)) {
    return false;
  }
  return other.processStart === null ? isTouched() : other.processStart === (await processStart(other.pid));
}

/** Whether somebody listens there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM: there, but another user's
    return systemCode(thrown) === 'EPERM';
  }
}

/** When a process began, in the kernel's ticks since boot (field 22 of /proc/PID/stat); null but on Linux. */
async function processStart(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') {
    return null;
  }
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // the name in field 2 may hold spaces and parentheses; what follows its last ")" begins with field 3
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ESRCH') {
      return null;
    }
    throw thrown;
  }
}

/** SQLITE_BUSY: another process is just taking over. */
const SQLITE_BUSY = 5;
const GUARD_PAUSE_MS = 20;

/**
 * Removes the lock that was seen to be stale, and no other: two that take over at once must not remove each other's fresh
 * one. Removing is done under a lock of the system, which SQLite brings to every platform and which dies with its process.
 */
async function removeStale(lockFile: string, seen: string, clock: Clock): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const guard = new DatabaseSync(join(dirname(lockFile), 'takeover.guard'), { timeout: 0 });
  try {
    guard.exec('BEGIN EXCLUSIVE');
    // synchronous on purpose: nothing of this process comes between the look and the removal
    if (existsSync(lockFile) && readFileSync(lockFile, 'utf8') === seen) {
      rmSync(lockFile, { force: true });
    }
    guard.exec('ROLLBACK');
  } catch (thrown) {
    if (!(thrown instanceof Error && 'errcode' in thrown && thrown.errcode === SQLITE_BUSY)) {
      throw thrown;
    }
    await sleep(clock, GUARD_PAUSE_MS);
  } finally {
    guard.close();
  }
}

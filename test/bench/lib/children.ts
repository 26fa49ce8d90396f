import type { ChildProcess } from 'node:child_process';

const children = new Map<ChildProcess, boolean>();

/** Notes a process until it ends. `isGroup`: it leads a group of its own (`detached`), which is ended as a whole. */
export function track(child: ChildProcess, isGroup = false): void {
  children.set(child, isGroup);
  child.once('exit', () => children.delete(child));
  child.once('error', () => children.delete(child));
}

/** Ends at once whatever was noted and still runs: for an interrupted benchmark. */
export function endAllChildren(): void {
  for (const [child, isGroup] of children) {
    if (isGroup && child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL');
    } else {
      child.kill('SIGKILL');
    }
  }
  children.clear();
}

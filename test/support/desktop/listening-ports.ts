import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of /proc/net/tcp: the state of a socket that listens. */
const LISTENING = '0A';

/** A process of Linux and all that it started, directly or not. */
export function processTree(pid: number): readonly number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), parentOf(name)] as const),
  );
  const tree = [pid];
  for (const member of tree) {
    for (const [child, parent] of parents) {
      if (parent === member) {
        tree.push(child);
      }
    }
  }
  return tree;
}

/** TCP ports, of IPv4 and IPv6, that any of the processes listens on. */
export function listeningPorts(pids: readonly number[]): readonly number[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === LISTENING && inodes.has(fields[9] ?? ''))
      .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)),
  );
}

function parentOf(pid: string): number {
  // after the name, which stands in brackets and may hold anything
  const fields = orNothing(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    ?.replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields?.[1] ?? 0);
}

function socketsOf(pid: number): string[] {
  return (orNothing(() => readdirSync(`/proc/${pid}/fd`)) ?? []).flatMap((fd) => {
    const target = orNothing(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const inode = /^socket:\[(\d+)\]$/.exec(target ?? '')?.[1];
    return inode === undefined ? [] : [inode];
  });
}

/** Processes and their files come and go while they are looked at. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) {
      return undefined;
    }
    throw thrown;
  }
}

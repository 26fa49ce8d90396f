import { rateText } from '../src/contract/words.ts';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const fullDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** "14:01:28" today, "18 Nov, 17:20" before. */
export function momentText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const sameDay = at.toDateString() === new Date(nowMs).toDateString();
  return sameDay ? clock.format(at) : dayAndClock.format(at);
}

/** "14 February 2027". */
export function dateText(atMs: number): string {
  return fullDate.format(new Date(atMs));
}

/** "38.4 MiB/s"; "—" where nothing moves. */
export function speedText(bytesPerSecond: number): string {
  return bytesPerSecond < 1 ? '—' : rateText(bytesPerSecond);
}

/** The folder that a path of any system is in; the path itself where that is a root. */
export function parentPath(path: string): string {
  return path.replace(/[\\/][^\\/]+[\\/]?$/, '') || path;
}

/** "5d1b0f2c…+67108864": the head of a locator's or PDH's md5, and its size. */
export function shortHash(hash: string): string {
  const [digest = '', size] = hash.split('+');
  return size === undefined ? hash : `${digest.slice(0, 8)}…+${size}`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const KIB = 1024;

const whole = new Intl.NumberFormat('en-GB');
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const fullDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** "3,046". */
export function formatCount(count: number): string {
  return whole.format(count);
}

/** Binary and says so: "11 KiB", "3.1 MiB", "1.19 GiB", "370.6 GiB". */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  const digits = unit === 0 ? 0 : unit < 3 ? (value < 10 ? 1 : 0) : value < 10 ? 2 : 1;
  // cut, not rounded: 1,023.99 GiB must not read as more than it is
  const factor = 10 ** digits;
  const cut = Math.floor(value * factor + 1e-9) / factor;
  return `${unit < 3 ? Number(cut.toFixed(digits)) : cut.toFixed(digits).replace(/\.0+$/, '')} ${UNITS[unit]}`;
}

/** "38.4 MiB/s"; "—" for nothing. */
export function formatRate(bytesPerSecond: number): string {
  if (bytesPerSecond < 1) {
    return '—';
  }
  const mib = bytesPerSecond / KIB / KIB;
  return mib >= 0.1 && mib < 1000 ? `${mib.toFixed(1)} MiB/s` : `${formatBytes(bytesPerSecond)}/s`;
}

/** "9 s", "4 min", "3 h", "2 days": how long ago, roughly. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 100) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

/** "14:01:28" today, "18 Nov, 17:20" before. */
export function formatMoment(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const sameDay = at.toDateString() === new Date(nowMs).toDateString();
  return sameDay ? clock.format(at) : dayAndClock.format(at);
}

/** "14 February 2027". */
export function formatDate(atMs: number): string {
  return fullDate.format(new Date(atMs));
}

/** "3 files", "1 file". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "5d1b0f2c…67108864": both ends of a locator or PDH. */
export function shortHash(hash: string, head = 8, tail = 9): string {
  return hash.length <= head + tail + 1 ? hash : `${hash.slice(0, head)}…${hash.slice(-tail)}`;
}

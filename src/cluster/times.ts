/** Milliseconds since the epoch as Arvados writes times: UTC, nine digits of a second, `Z`. Sorts as text. */
export function formatTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, -1)}000000Z`;
}

/**
 * A time as clients write it, in the stored form; undefined where it is none. Without a zone it is UTC; digits beyond
 * the microseconds are dropped, and so the order of stored times is that of the moments they name.
 */
export function parseTime(text: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/i.exec(
    text.trim(),
  );
  const dateOnly = /^\d{4}-\d\d-\d\d$/.test(text.trim());
  if (!match && !dateOnly) {
    return undefined;
  }
  const zone = match?.[4] === undefined || /^utc$/i.test(match[4]) ? 'Z' : match[4];
  const wholeMs = Date.parse(match ? `${match[1]}T${match[2]}${zone}` : `${text.trim()}T00:00:00Z`);
  if (Number.isNaN(wholeMs)) {
    return undefined;
  }
  const fraction = (match?.[3] ?? '').slice(0, 9).padEnd(9, '0');
  return `${new Date(wholeMs).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** The stored form back to milliseconds. */
export function timeMs(text: string): number {
  return Date.parse(`${text.slice(0, 23)}Z`);
}

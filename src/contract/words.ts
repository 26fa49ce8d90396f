/**
 * The one catalogue of words: what the window, the tray and the command line say, and how they write numbers.
 * Plain, "what, why, what next"; sizes are binary and say so. Nothing here reads a clock: every time is a parameter.
 */
import type { Stage } from './status.ts';

const SIZE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

const trimZeros = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits);

/** Three digits and a binary unit: `640 B`, `1.19 GiB`, `64 MiB`, `412 GiB`. */
export function sizeText(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  const digits = () => (unit === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0);
  // 1023.7 MiB would be written "1024 MiB": that is 1 GiB
  while (unit < SIZE_UNITS.length - 1 && Number(value.toFixed(digits())) >= 1024) {
    value /= 1024;
    unit += 1;
  }
  return `${trimZeros(value.toFixed(digits()))} ${SIZE_UNITS[unit]}`;
}

/** A whole number with thousands separators: `38,201`. */
export function countText(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 file`, `38,201 files`; `many` where adding an s is not enough. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `43%` of a folder's bytes; a dash where it cannot be said. */
export const percentText = (percent: number | null): string => (percent === null ? '-' : `${percent}%`);

/** `86.4 MiB/s`. */
export const rateText = (bytesPerSecond: number): string => `${sizeText(bytesPerSecond)}/s`;

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

/** A length of time in one unit, rounded: `32 s`, `40 minutes`, `3 hours`, `2 days`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) {
    return `${whole} s`;
  }
  if (whole < 90 * MINUTE_S) {
    return plural(Math.round(whole / MINUTE_S), 'minute');
  }
  if (whole < 36 * HOUR_S) {
    return plural(Math.round(whole / HOUR_S), 'hour');
  }
  return plural(Math.round(whole / DAY_S), 'day');
}

/** How long ago: `just now`, `32 seconds ago`, `2 minutes ago`. A time ahead of the clock is `just now`. */
export function agoText(atMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - atMs) / 1000);
  if (seconds < 5) {
    return 'just now';
  }
  if (seconds < MINUTE_S) {
    return `${plural(seconds, 'second')} ago`;
  }
  if (seconds < HOUR_S) {
    return `${plural(Math.floor(seconds / MINUTE_S), 'minute')} ago`;
  }
  if (seconds < DAY_S) {
    return `${plural(Math.floor(seconds / HOUR_S), 'hour')} ago`;
  }
  return `${plural(Math.floor(seconds / DAY_S), 'day')} ago`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Local time of day, `13:10`; with the date in front where it is not the day of `nowMs`: `2026-11-22 13:10`. */
export function timeText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const now = new Date(nowMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  const sameDay = at.toDateString() === now.toDateString();
  return sameDay ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** A long name cut in the middle, so that its start and its ending stay readable. */
export function middleCut(text: string, maxLength: number): string {
  const symbols = [...text];
  if (symbols.length <= maxLength) {
    return text;
  }
  if (maxLength <= 1) {
    return '…'.slice(0, Math.max(0, maxLength));
  }
  const tail = Math.floor((maxLength - 1) / 2);
  const head = maxLength - 1 - tail;
  return `${symbols.slice(0, head).join('')}…${symbols.slice(symbols.length - tail).join('')}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Names of the stages, as every view writes them. */
export const stageWords: Readonly<Record<Stage, string>> = {
  saved: 'Saved',
  stored: 'Stored',
  uploading: 'Uploading',
  filling: 'Filling',
  waiting: 'Waiting',
  failed: 'Failed',
};

/** The sentences. Each answers "is my data safe, and if not, what must I do?". */
export const words = {
  noFolders: 'No folders yet',
  addFolder: 'Add a folder to keep it safe.',
  notSignedIn: 'Not signed in',
  signIn: 'Sign in to a cluster, or try it on this computer.',

  everythingSaved: (lastSaveAtMs: number | null, nowMs: number) =>
    lastSaveAtMs === null ? 'Everything saved' : `Everything saved ${agoText(lastSaveAtMs, nowMs)}`,
  inAll: (files: number, bytes: number) => `${plural(files, 'file')}, ${sizeText(bytes)}`,

  uploadingFolders: (folders: number, etaSeconds: number | null) =>
    `Uploading ${plural(folders, 'folder')}${etaSeconds === null ? '' : `, about ${durationText(etaSeconds)}`}`,
  uploading: (files: number, bytes: number) => `Uploading ${plural(files, 'file')}, ${sizeText(bytes)}`,
  looking: 'Looking for changes',
  lookingIn: (folders: number) => `Looking for changes in ${plural(folders, 'folder')}`,
  starting: 'Starting',
  saving: 'Saving the collection',
  removing: (files: number) => `Removing ${plural(files, 'file')} from the collection with the next save`,
  storedNotSaved: (bytes: number, oldestAtMs: number | null, nowMs: number) =>
    `Stored, not saved: ${sizeText(bytes)}${
      oldestAtMs === null ? '' : `, oldest ${durationText((nowMs - oldestAtMs) / 1000)}`
    }`,
  nextSave: (atMs: number, nowMs: number) =>
    atMs <= nowMs ? 'Saved next' : `Saved in ${durationText((atMs - nowMs) / 1000)}`,
  unsaved: (bytes: number, files: number) => `Not saved yet: ${plural(files, 'file')}, ${sizeText(bytes)}`,
  notLookedYet: 'Not looked at yet',
  stopped: 'Stopped',

  problemsNeedYou: (count: number) => `${plural(count, 'problem')} ${count === 1 ? 'needs' : 'need'} you`,
  /** `3 files: no permission to read`; without files `Your token is missing or has expired`. */
  problemTitle: (files: number | null, reason: string) =>
    files === null ? capital(reason) : `${plural(files, 'file')}: ${reason}`,
  waitingFiles: (files: number, reason: string) => `${plural(files, 'file')} waiting: ${reason}`,
  failedBlocks: (blocks: number, bytes: number) => `${plural(blocks, 'block')} failed, ${sizeText(bytes)}`,
  nextTry: (atMs: number, nowMs: number) =>
    atMs <= nowMs ? 'goes again now' : `goes again in ${durationText((atMs - nowMs) / 1000)}`,

  offline: (sinceMs: number | null, nowMs: number) =>
    sinceMs === null ? 'Offline' : `Offline since ${timeText(sinceMs, nowMs)}`,
  offlineDetail: 'Goes on when the cluster answers.',
  paused: (untilMs: number | null, nowMs: number) =>
    untilMs === null ? 'Paused until you resume' : `Paused until ${timeText(untilMs, nowMs)}`,

  noProblems: (lastCheckAtMs: number | null, nowMs: number) =>
    lastCheckAtMs === null ? 'No problems.' : `No problems. Last check ${timeText(lastCheckAtMs, nowMs)}.`,
  /** Of a dry run: bytes over whole blocks is the least that can be. */
  dryRun: (files: number, bytes: number, leastBlocks: number) =>
    `${plural(files, 'file')}, ${sizeText(bytes)}, at least ${plural(leastBlocks, 'block')}`,
} as const;

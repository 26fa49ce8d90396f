/**
 * Every fault that the matrix has to hold an entry for, by side. Each suite keys its table by its list, so that a
 * missing entry is a type error; the suites also say how many they ran.
 */
const NETWORK_FAULTS = [
  '408',
  '423',
  '429',
  '500',
  '502',
  '503',
  '507',
  '401 with a valid token',
  '401 with an expired token',
  '403',
  '404',
  '422',
  'connection reset before the body',
  'connection reset during the body',
  'connection reset after the body',
  'answer lost after commit',
  'hang',
  'drip',
  'truncated body',
  'wrong md5 in the answer',
  'wrong size in the answer',
  'HTML',
  'huge JSON',
  'redirect',
  'bad certificate',
] as const;

export const KEEP_FAULTS = [
  ...NETWORK_FAULTS,
  'missing storage-class header',
  'empty storage-class header',
  'fewer copies than wanted',
  'service list that changes',
  'service list that names a plain-http stranger',
] as const;

export const API_FAULTS = NETWORK_FAULTS;

export const DISK_FAULTS = [
  'full journal disk',
  'EMFILE',
  'watch limit',
  'event overflow',
  'EBUSY',
  'EIO',
  'EPERM',
  'a file that grows',
  'a file that shrinks',
  'a file that vanishes',
  'a file swapped for a folder',
  'a file swapped for a FIFO',
  'same-size edit with restored mtime',
  'atomic save',
  'case-only rename',
  'root unmounted',
  'root emptied',
  'symlink loop',
  'symlink escape',
  'sparse 1 TiB',
  'non-UTF-8 name',
  'NFC/NFD twins',
  'case twins',
] as const;

export const ENGINE_FAULTS = [
  'an upload thread that dies',
  'two instances',
  'the clock a year ahead',
  'the clock a year behind',
  'sleep for three days',
  'signatures expired in the journal',
  'a new token',
  'the collection trashed',
  'the collection changed by somebody else',
] as const;

export type Table<Names extends readonly string[], Row> = Readonly<Record<Names[number], Row>>;

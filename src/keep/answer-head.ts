/** What an answer says of itself before its body. */
export interface AnswerHead {
  readonly status: number;
  /** By name in lower case; those that came more than once joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where that shows only when it ends: with its last chunk, or with the connection. */
  readonly bodyBytes: number | undefined;
  readonly isChunked: boolean;
  /** Whether the connection serves for another request after this one. */
  readonly keepsAlive: boolean;
}

/** As long as Node lets one be. */
export const HEAD_LIMIT_BYTES = 16_384;

const END = Buffer.from('\r\n\r\n');
/** No 1xx, which another answer follows, and no 204 and 304, which have no body whatever their headers say. */
const STATUS_LINE = /^HTTP\/1\.1 ((?!204|304)[2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** RFC 9110: a name is a token, and nothing stands between it and the colon; a value has no control characters. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;
const CLOSES = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
/** A chunk's size, and what may follow it (extensions), up to so many bytes. */
const CHUNK_LINE = /^([0-9a-f]{1,8})(?:;[^\r\n]*)?\r\n/i;
const CHUNK_LINE_BYTES = 256;
const LINE_END_BYTES = 2;
const LENGTH = /^\d{1,15}$/;

/** Where the head ends in what came so far; -1 where it did not end yet. */
export function endOfHead(bytes: Uint8Array): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(END);
  return at < 0 ? -1 : at + END.length;
}

/**
 * Reads the head of a plain answer: HTTP/1.1, and where it is a 200, a body whose length is said, once and in bytes.
 * Undefined for any other, which may be right as well (a block in chunks, an answer before the answer) or not: that is for
 * Node's HTTP client to find out.
 */
export function plainHead(head: Uint8Array): AnswerHead | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  const [statusLine = '', ...lines] = text.slice(0, -END.length).split('\r\n');
  const status = STATUS_LINE.exec(statusLine)?.[1];
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      return undefined;
    }
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value.trim()}` : value.trim();
  }
  const { 'content-length': length, 'transfer-encoding': encoding, connection = '' } = headers;
  const isChunked = encoding?.toLowerCase() === 'chunked';
  const isLengthKnown = encoding === undefined && length !== undefined && LENGTH.test(length);
  const isOpenEnded = length === undefined && (isChunked || encoding === undefined);
  if (status === undefined || !(isLengthKnown || (status !== '200' && isOpenEnded))) {
    return undefined;
  }
  return {
    status: Number(status),
    headers,
    bodyBytes: isLengthKnown ? Number(length) : undefined,
    isChunked,
    keepsAlive: (isLengthKnown || isChunked) && !CLOSES.test(connection),
  };
}

/** What is in the chunks of a body's start, and where they end in `bytes`: -1 where the last did not come yet. */
export function unchunked(bytes: Buffer): { readonly text: string; readonly endAt: number } {
  const parts: Buffer[] = [];
  let at = 0;
  let size = -1;
  while (size !== 0) {
    const [line, hex = ''] =
      CHUNK_LINE.exec(bytes.subarray(at, at + CHUNK_LINE_BYTES).toString('latin1')) ?? [];
    if (line === undefined) {
      break;
    }
    size = Number.parseInt(hex, 16);
    parts.push(bytes.subarray(at + line.length, at + line.length + size));
    at += line.length + size + LINE_END_BYTES;
  }
  return { text: Buffer.concat(parts).toString('utf8'), endAt: size === 0 && at <= bytes.length ? at : -1 };
}

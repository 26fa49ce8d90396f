import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endOfHead, plainHead, unchunked } from '../../src/keep/answer-head.ts';
import { runs } from '../support/seed.ts';

const headOf = (...lines: string[]) => plainHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));

describe('The head of an answer', () => {
  it('says what came, and how long the body is', () => {
    expect(headOf('HTTP/1.1 200 OK', 'Content-Length: 12', 'X-Two: a', 'x-two:  b ')).toEqual({
      status: 200,
      headers: { 'content-length': '12', 'x-two': 'a, b' },
      bodyBytes: 12,
      isChunked: false,
      keepsAlive: true,
    });
  });

  it('tells where a connection ends with the answer', () => {
    const length = 'Content-Length: 1';
    expect(headOf('HTTP/1.1 404 ', length, 'Connection: Close')?.keepsAlive).toBe(false);
    expect(headOf('HTTP/1.1 404', length, 'connection: x, close')?.keepsAlive).toBe(false);
    expect(headOf('HTTP/1.1 404 Not', length, 'Connection: keep-alive')?.keepsAlive).toBe(true);
    expect(headOf('HTTP/1.1 404 Not Found')).toMatchObject({ bodyBytes: undefined, keepsAlive: false });
  });

  it.each([
    ['a block of unknown length', ['HTTP/1.1 200 OK']],
    ['a block in chunks', ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked']],
    ['two lengths', ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2']],
    ['a length and chunks', ['HTTP/1.1 404 No', 'Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['a length that is no number', ['HTTP/1.1 200 OK', 'Content-Length: -1']],
    ['a compressed body', ['HTTP/1.1 404 No', 'Transfer-Encoding: gzip, chunked']],
    ['an answer before the answer', ['HTTP/1.1 100 Continue']],
    ['an answer that has no body', ['HTTP/1.1 304 Not Modified', 'Content-Length: 5']],
    ['another version', ['HTTP/1.0 200 OK', 'Content-Length: 1']],
    ['something else', ['SSH-2.0-OpenSSH_9.6']],
    ['a folded line', ['HTTP/1.1 200 OK', 'Content-Length: 1', ' 2']],
    ['a space before the colon', ['HTTP/1.1 200 OK', 'Content-Length : 1']],
    ['a bare line feed', ['HTTP/1.1 200 OK', 'Content-Length: 1\nX: 2']],
  ])('is left to others with %s', (_, lines) => {
    expect(headOf(...lines)).toBeUndefined();
  });

  it('ends with an empty line', () => {
    expect(endOfHead(Buffer.from('a\r\n\r\nbody'))).toBe(5);
    expect(endOfHead(Buffer.from('a\r\n\r'))).toBe(-1);
  });
});

describe('A text in chunks', () => {
  it.each([
    ['4\r\nnot \r\n5;x=y\r\nfound\r\n0\r\n\r\n', 'not found', 28],
    ['0\r\n\r\n', '', 5],
    ['4\r\nnot \r\n5\r\nfo', 'not fo', -1],
    ['4\r\nnot \r\n0\r\n', 'not ', -1],
    ['4\r\nnot \r\n5', 'not ', -1],
    ['zzz\r\nnot', '', -1],
  ])('%j is read as far as it goes', (raw, text, endAt) => {
    expect(unchunked(Buffer.from(raw))).toEqual({ text, endAt });
  });
});

describe('What is taken for a plain head', () => {
  let answer = Buffer.alloc(0);
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  const byNode = (): Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const request = http.get({ host: '127.0.0.1', port, agent: false }, (message) => {
        const parts: Buffer[] = [];
        message.on('data', (part: Buffer) => parts.push(part));
        message.on('error', reject);
        message.on('end', () =>
          resolve({
            status: message.statusCode ?? 0,
            headers: message.headers,
            body: Buffer.concat(parts).toString('latin1'),
          }),
        );
      });
      request.on('error', reject);
    });

  const odd = fc.constantFrom('\r', '\n', '\t', ' ', '\0', ':', '\x7f', '\xff', 'ß', '');
  const value = fc
    .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', '1', 'close', 'chunked') }, odd), {
      maxLength: 3,
    })
    .map((parts) => parts.join(''));
  const line = fc.oneof(
    fc.constantFrom('Content-Length: 5', 'content-length:5', 'Content-Length: 05', 'Content-Length: 4'),
    fc.constantFrom('Transfer-Encoding: chunked', 'Connection: close', 'Date: now', 'X-A: 1', 'X-A: 2'),
    fc
      .tuple(fc.constantFrom('X-B', 'Connection', 'x y', '', 'Content-Length'), odd, value)
      .map(([name, middle, text]) => `${name}${middle}:${text}`),
  );
  const statusLine = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 503 ') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('HTTP/1.1 204 No', 'HTTP/1.1 100 C', 'HTTP/1.0 200 OK', 'HTTP/1.1  200'),
    },
  );

  it("is read as Node's own HTTP client reads it", async () => {
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(statusLine, fc.array(line, { maxLength: 5 }), async (first, lines) => {
        const head = Buffer.from(`${[first, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
        const found = plainHead(head.subarray(0, endOfHead(head)));
        if (found?.bodyBytes === undefined || endOfHead(head) !== head.length) {
          return;
        }
        plain += 1;
        answer = Buffer.concat([head, Buffer.from('12345'.slice(0, found.bodyBytes))]);
        const theirs = await byNode();
        expect(theirs.status).toBe(found.status);
        expect(theirs.body).toBe('12345'.slice(0, found.bodyBytes));
        expect(theirs.headers['content-length']).toBe(found.headers['content-length']);
        expect(theirs.headers['x-a']).toBe(found.headers['x-a']);
      }),
      { numRuns: runs(2000) },
    );
    expect(plain).toBeGreaterThan(0);
  });
});

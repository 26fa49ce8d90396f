import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ApiClient, type ApiClientOptions } from '../../src/api/api-client.ts';
import { connectionError } from '../../src/api/connection-errors.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { makeTestCertificate } from '../support/api-certificate.ts';
import { clientOptions, errorOf } from '../support/api-fixtures.ts';
import { ScriptedApiServer } from '../support/api-server.ts';

const DAY_MS = 86_400_000;

let server: ScriptedApiServer | undefined;
let plainServer: Server | undefined;

afterEach(async () => {
  await server?.close();
  plainServer?.close();
  server = undefined;
  plainServer = undefined;
});

async function ask(options: ApiClientOptions): Promise<unknown> {
  const client = new ApiClient(options);
  try {
    return (await client.request('GET', '/arvados/v1/things', { retry: false })).body;
  } finally {
    client.close();
  }
}

describe('a certificate', () => {
  test('of an unknown authority is not accepted, and the error says what to do', async () => {
    server = await ScriptedApiServer.start();
    const { ca: _ca, ...options } = clientOptions(server);
    const error = await errorOf(ask(options));
    expect(error.code).toBe('TLS');
    expect(error.message).toContain(server.host);
    expect(error.action).toContain('certificate');
    expect(server.requests).toHaveLength(0);
  });

  test('of an unknown authority is accepted where a person said so', async () => {
    server = await ScriptedApiServer.start();
    server.on('GET /arvados/v1/things', { json: { fine: true } });
    const { ca: _ca, ...options } = clientOptions(server);
    expect(await ask({ ...options, insecure: true })).toEqual({ fine: true });
  });

  test('for another host is not accepted', async () => {
    server = await ScriptedApiServer.start(await makeTestCertificate({ hostName: 'elsewhere.example.org' }));
    const error = await errorOf(ask(clientOptions(server)));
    expect(error.code).toBe('TLS');
    expect(error.message).toContain('another host');
  });

  test('that has expired is not accepted', async () => {
    server = await ScriptedApiServer.start(
      await makeTestCertificate({
        notBefore: new Date(Date.now() - 2 * DAY_MS),
        notAfter: new Date(Date.now() - DAY_MS),
      }),
    );
    const error = await errorOf(ask(clientOptions(server)));
    expect(error.code).toBe('TLS');
    expect(error.message).toContain('expired');
  });

  test('that is not valid yet is not accepted, and the clock is named', async () => {
    server = await ScriptedApiServer.start(
      await makeTestCertificate({
        notBefore: new Date(Date.now() + DAY_MS),
        notAfter: new Date(Date.now() + 2 * DAY_MS),
      }),
    );
    const error = await errorOf(ask(clientOptions(server)));
    expect(error.code).toBe('TLS');
    expect(error.action).toContain('time');
  });

  test('that is bad is not asked for again: only a person can put it right', async () => {
    server = await ScriptedApiServer.start();
    const messages: string[] = [];
    const { ca: _ca, ...options } = clientOptions(server);
    const client = new ApiClient({ ...options, log: { log: (_level, message) => messages.push(message) } });
    expect((await errorOf(client.request('GET', '/x'))).code).toBe('TLS');
    client.close();
    expect(messages).toEqual([]);
  });
});

describe('a host', () => {
  test('that speaks plain http is told apart', async () => {
    plainServer = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(plainServer, 'listening');
    server = await ScriptedApiServer.start();
    const host = `localhost:${(plainServer.address() as AddressInfo).port}`;
    const error = await errorOf(ask(clientOptions(server, { host })));
    expect(error.code).toBe('TLS');
    expect(error.message).toContain('does not speak https');
    expect(error.action).toContain('port');
  });

  test('that refuses the connection is OFFLINE', async () => {
    server = await ScriptedApiServer.start();
    const options = clientOptions(server);
    await server.close();
    server = undefined;
    const error = await errorOf(ask(options));
    expect(error.code).toBe('OFFLINE');
    expect(error.message).toContain(options.host);
    expect(error.action).toContain('address');
    expect(error.info).toEqual({ systemCode: 'ECONNREFUSED' });
  });

  test.each([
    ['ENOTFOUND', 'OFFLINE', 'cannot be found'],
    ['EAI_AGAIN', 'OFFLINE', 'cannot be found'],
    ['ECONNREFUSED', 'OFFLINE', 'does not accept'],
    ['ECONNRESET', 'OFFLINE', 'was cut'],
    ['ENETUNREACH', 'OFFLINE', 'cannot be reached'],
    ['ETIMEDOUT', 'TIMEOUT', 'does not answer'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS', 'another host'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS', 'not signed'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'TLS', 'not signed'],
  ])('that fails with %s is %s: it %s', (systemCode, code, words) => {
    const cause = Object.assign(new Error('raw words of the system'), { code: systemCode });
    const error = connectionError(cause, 'h.example.org', 'req-1');
    expect(error).toMatchObject({ code, requestId: 'req-1', info: { systemCode }, cause });
    expect(error.message).toContain('h.example.org');
    expect(error.message).toContain(words);
    expect(error.action).toBeDefined();
  });

  test('with several addresses fails as its last address did', () => {
    const each = ['ENETUNREACH', 'ECONNREFUSED'].map((code) => Object.assign(new Error(code), { code }));
    expect(connectionError(new AggregateError(each), 'h', 'req-1').message).toContain('does not accept');
  });

  test('keeps an error that is ours already', () => {
    const ours = new KeepsyncError('CANCELLED', 'Stopped');
    expect(connectionError(ours, 'h', 'req-1')).toBe(ours);
  });
});

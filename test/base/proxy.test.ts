import { afterEach, describe, expect, it } from 'vitest';
import { ArvadosApi } from '../../src/api/arvados-api.ts';
import { reachKeepService } from '../../src/api/reach-keep.ts';
import { systemClock } from '../../src/base/clock.ts';
import { proxyFrom } from '../../src/base/proxy.ts';
import { createKeepClient } from '../../src/keep/keep-client.ts';
import { makeTestCertificate } from '../support/api-certificate.ts';
import { clientOptions, discoveryDocument, errorOf, TEST_TOKEN } from '../support/api-fixtures.ts';
import { ScriptedApiServer } from '../support/api-server.ts';
import { md5Of, sharedBytes } from '../support/block-store-conformance.ts';
import { startProxy } from '../support/http-proxy.ts';
import { startKeepServer } from '../support/keep-server.ts';

const DISCOVERY = 'GET /discovery/v1/apis/arvados/v1/rest';

const closers: Array<() => Promise<void> | void> = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
});

async function apiServer(hostName: string) {
  const server = await ScriptedApiServer.start(await makeTestCertificate({ hostName }));
  closers.push(() => server.close());
  server.on(DISCOVERY, { json: discoveryDocument() });
  return server;
}

async function proxyTo(port: number, credentials?: string) {
  const proxy = await startProxy(port, credentials);
  closers.push(() => proxy.close());
  return proxy;
}

const portOf = (host: string) => Number(new URL(`http://${host}`).port);

describe('a proxy', () => {
  it('tunnels https to the API, and never sees what is in it', async () => {
    const server = await apiServer('arvados.test');
    const proxy = await proxyTo(portOf(server.host), 'someone:secret');
    const api = new ArvadosApi(
      clientOptions(server, { host: 'arvados.test:8443', proxy: proxyFrom(proxy.url, {}) }),
    );
    closers.push(() => api.close());
    expect((await api.discovery()).uuidPrefix).toBe('zzzzz');
    expect(proxy.seen).toEqual([
      {
        line: 'CONNECT arvados.test:8443',
        credentials: `Basic ${Buffer.from('someone:secret').toString('base64')}`,
      },
    ]);
  });

  it('changes nothing about whose certificate counts', async () => {
    const server = await apiServer('somebody-else.test');
    const proxy = await proxyTo(portOf(server.host));
    const api = new ArvadosApi(
      clientOptions(server, { host: 'arvados.test', proxy: proxyFrom(proxy.url, {}) }),
    );
    closers.push(() => api.close());
    expect((await errorOf(api.discovery())).code).toBe('TLS');
    expect(server.requests).toEqual([]);
  });

  it('is not asked for hosts that NO_PROXY names, nor for this computer', async () => {
    const server = await apiServer('localhost');
    const proxy = await proxyTo(portOf(server.host));
    const api = new ArvadosApi(clientOptions(server, { proxy: proxyFrom(proxy.url, {}) }));
    closers.push(() => api.close());
    await api.discovery();
    const excepted = new ArvadosApi(
      clientOptions(server, {
        host: 'arvados.invalid',
        proxy: proxyFrom(null, { HTTPS_PROXY: proxy.url, NO_PROXY: 'other.test,.invalid' }),
      }),
    );
    closers.push(() => excepted.close());
    expect((await errorOf(excepted.discovery())).code).toBe('OFFLINE');
    expect(proxy.seen).toEqual([]);
  });

  it.each(['http', 'https'])('brings blocks to Keep over %s, there and back', async (scheme) => {
    const certificate = await makeTestCertificate({ hostName: 'keep.test' });
    const server = await startKeepServer(scheme === 'https' ? { tls: certificate } : {});
    closers.push(() => server.close());
    const proxy = await proxyTo(portOf(new URL(server.url).host));
    const service = { ...server.service, baseUrl: `${scheme}://keep.test:25107` };
    const tls = {
      rejectUnauthorized: true,
      ca: certificate.certificatePem,
      proxy: proxyFrom(proxy.url, {}),
    };
    const client = createKeepClient({
      token: TEST_TOKEN,
      services: async () => [service],
      allowPlainHttp: true,
      attempts: 1,
      tls,
    });
    closers.push(() => client.close());
    const block = sharedBytes('through a proxy');
    const { locator } = await client.put(md5Of(block), block, { copies: 1, storageClasses: [] });
    expect(Buffer.from(await client.get(locator)).toString()).toBe('through a proxy');
    await reachKeepService(service, {
      tls: { insecure: false, ca: certificate.certificatePem, proxy: tls.proxy },
      clock: systemClock,
      requestId: 'req-00000000000000000000',
    });
    const lines = proxy.seen.map(({ line }) => line);
    expect(new Set(lines.map((line) => line.split(' ')[0]))).toEqual(
      new Set(scheme === 'https' ? ['CONNECT'] : ['PUT', 'GET']),
    );
    expect(lines.every((line) => line.includes('keep.test:25107'))).toBe(true);
  });

  it('that is away is as a cluster that is away', async () => {
    const server = await apiServer('arvados.test');
    const api = new ArvadosApi(
      clientOptions(server, {
        host: 'arvados.test',
        proxy: proxyFrom('http://127.0.0.1:9', {}),
        retryPolicy: { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 },
      }),
    );
    closers.push(() => api.close());
    expect((await errorOf(api.discovery())).code).toBe('OFFLINE');
  });
});

describe('which proxy', () => {
  it('the one of the settings, else of the environment, else none', () => {
    const env = { HTTPS_PROXY: 'http://env.test:1', HTTP_PROXY: 'http://other.test:2', NO_PROXY: 'a,b' };
    expect(proxyFrom('http://set.test:3', env)).toEqual({ url: 'http://set.test:3/', exceptions: 'a,b' });
    expect(proxyFrom(null, env)?.url).toBe('http://env.test:1/');
    expect(proxyFrom(null, { http_proxy: 'http://other.test:2' })?.url).toBe('http://other.test:2/');
    expect(proxyFrom(null, {})).toBeUndefined();
  });

  it.each(['proxy.test:3128', 'socks5://proxy.test', 'http://['])(
    '%s is none, and is not repeated',
    (text) => {
      expect(() => proxyFrom(text, {})).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.not.stringContaining(text) }),
      );
    },
  );
});

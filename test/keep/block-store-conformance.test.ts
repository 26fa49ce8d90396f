import { HttpKeepClient, type HttpKeepClientOptions } from '../../src/keep/http-keep-client.ts';
import { createKeepClient } from '../../src/keep/keep-client.ts';
import type { BlockStore } from '../../src/keep/ports.ts';
import { createThreadedStore } from '../../src/keep/threaded-store.ts';
import { makeTestCertificate } from '../support/api-certificate.ts';
import { blockStoreConformance, type ConformanceSubject } from '../support/block-store-conformance.ts';
import { FakeKeep } from '../support/fake-keep.ts';
import { startKeepServer } from '../support/keep-server.ts';

const TOKEN = 'v2/zzzzz-gj3su-000000000000001/conformance';
const SIGNING_KEY = 'a key for the conformance suite';

const certificate = await makeTestCertificate({ hostName: 'localhost' });

/** A store before two servers that sign and check, as two copies on two disks. */
async function beforeServers(
  secure: boolean,
  makeStore: (options: HttpKeepClientOptions) => BlockStore,
): Promise<ConformanceSubject> {
  const tls = secure ? { tls: certificate } : {};
  const servers = await Promise.all(
    ['000000000000000', '000000000000001'].map((uuidSuffix) =>
      startKeepServer({ ...tls, uuidSuffix, signingKey: SIGNING_KEY }),
    ),
  );
  const store = makeStore({
    token: TOKEN,
    services: async () => servers.map(({ service }) => service),
    ...(secure ? { tls: { rejectUnauthorized: true, ca: certificate.certificatePem } } : {}),
  });
  return {
    store,
    copies: 2,
    sign: (locator) => servers[0]?.sign(TOKEN, locator) ?? locator,
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

blockStoreConformance('The fake', async () => {
  const store = new FakeKeep();
  return { store, sign: (locator) => store.sign(locator) };
});
blockStoreConformance('The HTTP client on plain http', () =>
  beforeServers(false, (options) => new HttpKeepClient(options)),
);
blockStoreConformance('The HTTP client on https', () =>
  beforeServers(true, (options) => new HttpKeepClient(options)),
);
blockStoreConformance('The threaded store', () =>
  beforeServers(false, (options) => createThreadedStore(options)),
);
blockStoreConformance('The whole client', () =>
  beforeServers(true, (options) => createKeepClient({ ...options, attempts: 2, baseMs: 1 })),
);

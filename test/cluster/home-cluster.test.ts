import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { openHomeCluster } from '../../src/cluster/home-cluster.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'keepsync-home-cluster-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const failing = (code: 'LOCKED' | 'STATE') => async () => {
  throw new KeepsyncError(code, 'no');
};
const openWith = (start: NonNullable<Parameters<typeof openHomeCluster>[1]>) =>
  openHomeCluster({ dataDir, log: silentLog }, start);

describe('the cluster of a profile', () => {
  test('that another process runs is adopted, and left running', async () => {
    writeFileSync(join(dataDir, 'api-host'), 'localhost:4321\n');
    writeFileSync(join(dataDir, 'token'), 'v2/a/b\n');
    const cluster = await openWith(failing('LOCKED'));
    const caFile = join(dataDir, 'cert.pem');
    expect(cluster).toMatchObject({ apiHost: 'localhost:4321', token: 'v2/a/b', caFile });
    expect(cluster.env()).toEqual({
      ARVADOS_API_HOST: 'localhost:4321',
      ARVADOS_API_TOKEN: 'v2/a/b',
      SSL_CERT_FILE: caFile,
    });
    await cluster.close();
  });

  test('is not made up where the other process left no word', async () => {
    await expect(openWith(failing('LOCKED'))).rejects.toMatchObject({ code: 'LOCKED' });
  });

  test('that does not start for another reason says so', async () => {
    writeFileSync(join(dataDir, 'api-host'), 'localhost:4321\n');
    writeFileSync(join(dataDir, 'token'), 'v2/a/b\n');
    await expect(openWith(failing('STATE'))).rejects.toMatchObject({ code: 'STATE' });
  });
});

import { describe, expect, it } from 'vitest';
import { DiskService } from '../../src/local/disk-service.ts';
import { PLAIN_RULES } from '../support/disk-conformance.ts';
import { RememberedTree } from '../support/disk-known.ts';
import { SimDisk } from '../support/sim-disk.ts';

describe('a long scan without changes', () => {
  it('stops on its way when asked to, and is forgotten', async () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    for (let index = 0; index < 10_000; index++) {
      disk.write(`/root/d${index % 10}/f${index}`, '');
    }
    const journal = new RememberedTree();
    const service = new DiskService(disk, journal);
    const request = { roots: [{ diskPath: '/root', prefix: '' }], rules: PLAIN_RULES };
    const idle = new AbortController().signal;
    const first = service.beginScan(1, request);
    for (;;) {
      const step = await service.nextStep(first, { signal: idle });
      journal.remember(step.changes);
      if (step.totals !== undefined) {
        break;
      }
    }
    const looked = disk.callsOf('lstat');
    const controller = new AbortController();
    const second = service.beginScan(1, request);
    const stepping = service.nextStep(second, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(stepping).rejects.toThrow('enough');
    expect(disk.callsOf('lstat') - looked).toBeLessThan(5_000);
    await expect(service.nextStep(second, { signal: idle })).rejects.toMatchObject({ code: 'INTERNAL' });
    service.close();
  });
});

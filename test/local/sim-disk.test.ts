import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { stampOf } from '../../src/local/sync-disk.ts';
import { PLAIN_RULES } from '../support/disk-conformance.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { createSimWatcher, seededFractions } from '../support/sim-disk-watcher.ts';

function stampAt(disk: SimDisk, path: string): string {
  const stat = disk.stat(path);
  return stat === undefined ? 'none' : stampOf(stat);
}

describe('the simulated disk', () => {
  it('is the same disk when the same is done to it', () => {
    const make = () => {
      const disk = new SimDisk({ nowMs: () => 1_000 });
      disk.write('/a/x', '1');
      disk.rename('/a', '/b');
      disk.replace('/b/x', '22');
      return stampAt(disk, '/b/x');
    };
    expect(make()).toBe(make());
  });

  it('gives every change a stamp of its own, unless its clock is coarse', () => {
    const fine = new SimDisk({ nowMs: () => 1_000 });
    fine.write('/a', '1');
    const before = stampAt(fine, '/a');
    fine.write('/a', '2');
    expect(stampAt(fine, '/a')).not.toBe(before);
    const coarse = new SimDisk({ nowMs: () => 1_000, timeStepNs: 4_000_000n });
    coarse.write('/a', '1');
    const same = stampAt(coarse, '/a');
    coarse.write('/a', '2');
    expect(stampAt(coarse, '/a')).toBe(same);
  });

  it('gives hard links one inode', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    disk.write('/a', '1');
    disk.link('/a', '/b');
    expect(stampAt(disk, '/a')).toBe(stampAt(disk, '/b'));
    disk.append('/b', '2');
    expect(new TextDecoder().decode(disk.bytesOf('/a'))).toBe('12');
  });

  it('brings an unplugged disk back as it was', () => {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    disk.write('/mnt/a', '1');
    const stamp = stampAt(disk, '/mnt/a');
    const plugIn = disk.unmount('/mnt');
    expect(disk.list('/mnt').names).toEqual([]);
    plugIn();
    expect(stampAt(disk, '/mnt/a')).toBe(stamp);
  });
});

describe('the simulated watcher', () => {
  async function hintsFor(dropRate: number, seed: number): Promise<string[]> {
    const disk = new SimDisk({ nowMs: () => 1_000 });
    disk.mkdir('/root');
    const heard: string[] = [];
    let fire: () => void = () => undefined;
    const clock = {
      ...systemClock,
      setTimer: (_delayMs: number, run: () => void) => {
        fire = run;
        return () => undefined;
      },
    };
    const watching = await createSimWatcher(disk, { clock, seed, dropRate }).watch(
      [{ diskPath: '/root', prefix: '' }],
      PLAIN_RULES,
      {
        onHints: (hints) => {
          heard.push(...hints.map((hint) => hint.diskPath));
        },
        onDoubt: () => undefined,
      },
    );
    for (let index = 0; index < 100; index++) {
      disk.write(`/root/f${index}`, '1');
    }
    disk.write('/elsewhere', '1');
    fire();
    await watching.close();
    disk.write('/root/late', '1');
    return heard;
  }

  it('hears everything, half of it or nothing, as the seed says', async () => {
    expect(await hintsFor(0, 1)).toHaveLength(100);
    expect(await hintsFor(1, 1)).toHaveLength(0);
    const half = await hintsFor(0.5, 1);
    expect(half.length).toBeGreaterThan(20);
    expect(half.length).toBeLessThan(80);
    expect(await hintsFor(0.5, 1)).toEqual(half);
    expect(await hintsFor(0.5, 2)).not.toEqual(half);
  });

  it('draws fractions between 0 and 1', () => {
    const next = seededFractions(42);
    const drawn = Array.from({ length: 1_000 }, next);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    expect(new Set(drawn).size).toBeGreaterThan(990);
  });
});

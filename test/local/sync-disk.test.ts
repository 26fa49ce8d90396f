import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { decodeNames, nodeDisk } from '../../src/local/sync-disk.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('names that are no UTF-8', () => {
  it('are told apart from those that are, escaped, and never confused with them', () => {
    const readable = ['plain', 'caf\\xe9', 'rightful \uFFFD', '\uFEFFmarked'];
    const listing = decodeNames([
      ...readable.map((name) => Buffer.from(name)),
      latin1('caf\xe9'),
      latin1('\xff'),
    ]);
    expect(listing.names).toEqual(readable);
    expect(listing.undecodable).toEqual(['caf\\xe9~', '\\xff']);
  });

  it.runIf(process.platform === 'linux')('are found on this disk', () => {
    const dir = mkdtempSync(`${tmpdir()}/keepsync-names-`);
    try {
      writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), latin1('caf\xe9')]), '');
      writeFileSync(`${dir}/rightful \uFFFD`, '');
      expect(nodeDisk.list(dir)).toEqual({ names: ['rightful \uFFFD'], undecodable: ['caf\\xe9'] });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

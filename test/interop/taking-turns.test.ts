import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type InteropWorld,
  isInteropPossible,
  needsArvadosCommands,
  openInteropWorld,
} from '../support/interop-world.ts';

describe('a collection that several programs write to', { timeout: 300_000 }, () => {
  needsArvadosCommands();
  let world: InteropWorld;
  beforeAll(async () => {
    if (isInteropPossible) {
      world = await openInteropWorld({ keepServers: 2 });
    }
  });
  afterAll(async () => {
    await world?.close();
  });

  const write = (path: string, data: string | Uint8Array) => {
    mkdirSync(dirname(world.path(path)), { recursive: true });
    writeFileSync(world.path(path), data);
  };
  /** The collection's files and what is in them, as text. */
  const read = async (uuid: string) => (await world.sdk.read(uuid)).files;

  test('put goes on with what arv-put began, and arv-put with what put left', async () => {
    write('first/both', 'of arv-put');
    write('first/only/in first', 'stays');
    write('second/both', 'of keepsync');
    write('second/new/in second', 'comes');
    write('third/both', 'of arv-put again');
    const uuid = await world.output('arv-put', '--no-progress', 'first/');
    expect(await world.output('keepsync', 'put', '--update-collection', uuid, 'second/')).toBe(uuid);
    expect(Object.keys(await read(uuid)).sort()).toEqual(['both', 'new/in second', 'only/in first']);
    expect(await world.output('arv-get', `${uuid}/both`, '-')).toBe('of keepsync');
    await world.output('arv-put', '--no-progress', '--update-collection', uuid, 'third/');
    expect(await world.output('keepsync', 'get', `${uuid}/both`, '-')).toBe('of arv-put again');
    expect(Object.keys(await read(uuid)).sort()).toEqual(['both', 'new/in second', 'only/in first']);
  });

  test('put adds to what an SDK program edited meanwhile, and keeps it', async () => {
    write('mine/a', 'a');
    const uuid = await world.output('keepsync', 'put', 'mine/');
    await world.sdk.edit(uuid, { write: { 'theirs/b': 'b', a: 'a of theirs' } });
    write('mine/c', 'c');
    await world.output('keepsync', 'put', '--update-collection', uuid, 'mine/c');
    expect(Object.keys(await read(uuid)).sort()).toEqual(['a', 'c', 'theirs/b']);
    expect(await world.output('arv-get', `${uuid}/a`, '-')).toBe('a of theirs');
  });
});

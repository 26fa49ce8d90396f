import { describe, expect, it } from 'vitest';
import { parseLocator } from '../../src/keep/locator.ts';
import type { KeepService } from '../../src/keep/ports.ts';
import { readOrder, rendezvousWeight, writeOrder } from '../../src/keep/rendezvous.ts';

const HELLO_WORLD = '6f5902ac237024bdd0c176cb93063dc4';

function service(uuid: string, more: Partial<KeepService> = {}): KeepService {
  return { uuid, baseUrl: `http://${uuid}`, serviceType: 'disk', readOnly: false, ...more };
}

const ZERO = service('zzzzz-bi6l4-000000000000000');
const ONE = service('zzzzz-bi6l4-000000000000001');
const TWO = service('zzzzz-bi6l4-000000000000002');
const NAMED = service('zzzzz-bi6l4-keepdisk0000000');

describe('The order of the Keep servers for a block', () => {
  it('is that of the other Arvados clients', () => {
    expect(writeOrder(HELLO_WORLD, [ZERO, ONE, TWO, NAMED])).toEqual([TWO, ONE, NAMED, ZERO]);
    expect(readOrder(parseLocator(`${HELLO_WORLD}+12`), [NAMED, TWO, ZERO, ONE])).toEqual([
      TWO,
      ONE,
      NAMED,
      ZERO,
    ]);
  });

  it('comes from the weights of the block and the last 15 characters of the uuid', () => {
    expect(rendezvousWeight(HELLO_WORLD, TWO.uuid)).toMatch(/^d0f15aaa/);
    expect(rendezvousWeight(HELLO_WORLD, ONE.uuid)).toMatch(/^cfd12adb/);
    expect(rendezvousWeight(HELLO_WORLD, NAMED.uuid)).toMatch(/^9e745915/);
    expect(rendezvousWeight(HELLO_WORLD, ZERO.uuid)).toMatch(/^28ad2ac7/);
    expect(rendezvousWeight(HELLO_WORLD, 'other-bi6l4-000000000000002')).toMatch(/^d0f15aaa/);
  });

  it('leaves out read-only servers for writing, not for reading', () => {
    const sealed = { ...TWO, readOnly: true };
    expect(writeOrder(HELLO_WORLD, [ZERO, sealed])).toEqual([ZERO]);
    expect(readOrder(parseLocator(`${HELLO_WORLD}+12`), [ZERO, sealed])).toEqual([sealed, ZERO]);
  });

  it('begins with the places that the locator names, and asks a gateway only then', () => {
    const gateway = service('zzzzz-bi6l4-gateway00000000', { serviceType: 'gateway:test' });
    const services = [ZERO, gateway, ONE];
    expect(readOrder(parseLocator(`${HELLO_WORLD}+12`), services)).toEqual([ONE, ZERO]);
    expect(writeOrder(HELLO_WORLD, services)).toEqual([ONE, ZERO]);
    const hinted = parseLocator(`${HELLO_WORLD}+12+K@abcde+K@${gateway.uuid}+K@zzzzz-bi6l4-unknown00000000`);
    expect(readOrder(hinted, services).map(({ baseUrl }) => baseUrl)).toEqual([
      'https://keep.abcde.arvadosapi.com',
      gateway.baseUrl,
      ONE.baseUrl,
      ZERO.baseUrl,
    ]);
  });

  it('asks a hinted server only once', () => {
    expect(readOrder(parseLocator(`${HELLO_WORLD}+12+K@${ZERO.uuid}`), [ZERO, ONE])).toEqual([ZERO, ONE]);
  });
});

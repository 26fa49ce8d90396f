import { describe, expect, it } from 'vitest';
import { servicesFromEnv } from '../../src/keep/services-from-env.ts';

describe('Keep services from the environment', () => {
  it('are none where nothing is set', () => {
    expect(servicesFromEnv({})).toBeUndefined();
    expect(servicesFromEnv({ ARVADOS_KEEP_SERVICES: '  ' })).toBeUndefined();
  });

  it('are proxies numbered in their order', () => {
    const env = { ARVADOS_KEEP_SERVICES: ' https://a.example:25107/  http://127.0.0.1:8080/keep/ ' };
    expect(servicesFromEnv(env)).toEqual([
      {
        uuid: '00000-bi6l4-000000000000000',
        baseUrl: 'https://a.example:25107',
        serviceType: 'proxy',
        readOnly: false,
      },
      {
        uuid: '00000-bi6l4-000000000000001',
        baseUrl: 'http://127.0.0.1:8080/keep',
        serviceType: 'proxy',
        readOnly: false,
      },
    ]);
  });

  it('come from the older variable only if the newer one is not set', () => {
    const both = { ARVADOS_KEEP_SERVICES: 'https://new.example', ARVADOS_KEEP_PROXY: 'https://old.example' };
    expect(servicesFromEnv(both)?.map(({ baseUrl }) => baseUrl)).toEqual(['https://new.example']);
    const old = { ARVADOS_KEEP_PROXY: 'https://old.example' };
    expect(servicesFromEnv(old)?.map(({ baseUrl }) => baseUrl)).toEqual(['https://old.example']);
  });

  it.each([
    'keep.example',
    'ftp://keep.example',
    'https://user:pass@keep.example',
    'https://keep.example?x=1',
  ])('are refused as %s', (url) => {
    expect(() => servicesFromEnv({ ARVADOS_KEEP_SERVICES: url })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });

  it('do not repeat a password in the message', () => {
    expect(() => servicesFromEnv({ ARVADOS_KEEP_SERVICES: 'https://user:hunter22@keep.example' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter22') }),
    );
  });
});

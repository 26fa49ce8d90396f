import { KeepsyncError } from '../base/errors.ts';
import type { KeepService } from './ports.ts';

/**
 * The Keep services that the environment names, which then stand in for the cluster's own list: URLs parted by spaces in
 * `ARVADOS_KEEP_SERVICES`, or in the older `ARVADOS_KEEP_PROXY`. They count as proxies, as they do for the SDKs.
 * Undefined where neither is set. Throws USAGE for something that is no http(s) URL.
 */
export function servicesFromEnv(
  env: Readonly<Record<string, string | undefined>>,
): KeepService[] | undefined {
  const [name, text] = env.ARVADOS_KEEP_SERVICES?.trim()
    ? (['ARVADOS_KEEP_SERVICES', env.ARVADOS_KEEP_SERVICES] as const)
    : (['ARVADOS_KEEP_PROXY', env.ARVADOS_KEEP_PROXY ?? ''] as const);
  const urls = text.split(/\s+/).filter((url) => url !== '');
  if (urls.length === 0) {
    return undefined;
  }
  return urls.map((url, index) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (!parsed || !['http:', 'https:'].includes(parsed.protocol) || parsed.username || parsed.search) {
      throw new KeepsyncError(
        'USAGE',
        `${name} holds something that is no Keep URL: ${parsed ? parsed.host : url}`,
        {
          action: `Set ${name} to URLs such as https://keep.example.org:25107, parted by spaces.`,
        },
      );
    }
    return {
      uuid: `00000-bi6l4-${String(index).padStart(15, '0')}`,
      baseUrl: `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, ''),
      serviceType: 'proxy',
      readOnly: false,
    };
  });
}

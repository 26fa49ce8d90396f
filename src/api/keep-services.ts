import * as z from 'zod';
import type { KeepService } from '../keep/ports.ts';
import { type ApiClient, readAnswer } from './api-client.ts';

const serviceSchema = z.object({
  uuid: z.string().min(15),
  /** A name or address and nothing else: it becomes part of a URL. */
  service_host: z.string().regex(/^[A-Za-z0-9._:-]+$/),
  service_port: z.number().int().min(1).max(65_535),
  service_ssl_flag: z.boolean(),
  service_type: z.string(),
  read_only: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
});

const listSchema = z.object({ items: z.array(serviceSchema) });

/** The Keep services that the cluster offers to this computer, in no particular order; perhaps none. */
export async function fetchKeepServices(
  client: ApiClient,
  signal?: AbortSignal,
): Promise<readonly KeepService[]> {
  const answer = await client.request('GET', '/arvados/v1/keep_services/accessible', { signal });
  return readAnswer(listSchema, answer, 'its Keep services').items.map((item) => {
    const host = item.service_host.includes(':') ? `[${item.service_host}]` : item.service_host;
    return {
      uuid: item.uuid,
      baseUrl: `${item.service_ssl_flag ? 'https' : 'http'}://${host}:${item.service_port}`,
      serviceType: item.service_type,
      readOnly: item.read_only,
    };
  });
}

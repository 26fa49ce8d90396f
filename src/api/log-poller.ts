import type { ApiClient } from './api-client.ts';
import { logRowSchema, type RemoteChange } from './event-messages.ts';
import { listFirst } from './lists.ts';

/** Rows for each request; a longer backlog is read in several. */
const PAGE_ROWS = 500;

const COLUMNS = ['id', 'object_uuid', 'event_type'] as const;

/** The number of the newest log row that the token may read, 0 where there is none. */
export async function newestLogId(client: ApiClient, signal: AbortSignal): Promise<number> {
  const [newest] = await listFirst(client, 'logs', logRowSchema, {
    order: ['id desc'],
    limit: 1,
    select: COLUMNS,
    signal,
    retry: false,
  });
  return newest?.id ?? 0;
}

/** Changes after row `afterId`, oldest first. One request for each 500 rows. */
export async function changesSince(
  client: ApiClient,
  afterId: number,
  signal: AbortSignal,
): Promise<readonly RemoteChange[]> {
  const changes: RemoteChange[] = [];
  let lastId = afterId;
  while (true) {
    const rows = await listFirst(client, 'logs', logRowSchema, {
      filters: [['id', '>', lastId]],
      order: ['id asc'],
      limit: PAGE_ROWS,
      select: COLUMNS,
      signal,
      retry: false,
    });
    const newest = rows.at(-1)?.id;
    if (newest === undefined || newest <= lastId) {
      return changes;
    }
    lastId = newest;
    changes.push(
      ...rows.map((row) => ({ objectUuid: row.object_uuid, eventType: row.event_type, logId: row.id })),
    );
    if (rows.length < PAGE_ROWS) {
      return changes;
    }
  }
}

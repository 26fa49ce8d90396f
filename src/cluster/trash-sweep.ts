import type { ClusterContext } from './cluster-context.ts';
import { nowText } from './cluster-context.ts';
import { deleteCollection } from './collections.ts';
import { deleteGroup } from './groups.ts';
import { formatTime } from './times.ts';

/** Log entries older than this are of no use: a client that was away longer looks at everything anyway. */
const LOG_LIFETIME_MS = 14 * 24 * 3600 * 1000;

/**
 * Deletes what has been in the trash for its time, and with a project all that is in it. No block is ever deleted: a
 * block may be named by what is saved next, and the local cluster has no garbage collection.
 */
export function sweepTrash(context: ClusterContext): void {
  const { records } = context;
  const now = nowText(context);
  const actor = `${context.identity.clusterId}-tpzed-000000000000000`;
  records.transaction(() => {
    const doomed = `WITH RECURSIVE doomed(uuid) AS (
      SELECT uuid FROM groups WHERE delete_at <= ?
      UNION SELECT groups.uuid FROM groups JOIN doomed ON groups.owner_uuid = doomed.uuid
    )`;
    const collections = records.all(
      `${doomed} SELECT uuid FROM collections WHERE uuid = current_version_uuid
       AND (delete_at <= ? OR owner_uuid IN (SELECT uuid FROM doomed))`,
      now,
      now,
    );
    for (const { uuid } of collections) {
      deleteCollection(context, actor, String(uuid));
    }
    for (const { uuid } of records.all(`${doomed} SELECT uuid FROM doomed`, now)) {
      deleteGroup(context, actor, String(uuid));
    }
    records.run('DELETE FROM logs WHERE created_at < ?', formatTime(context.clock.nowMs() - LOG_LIFETIME_MS));
  });
}

import type { Clock } from '../base/clock.ts';
import type { LogPort } from '../base/log.ts';
import { randomBase36, systemRandom } from '../base/random.ts';
import type { ClusterIdentity } from './data-folder.ts';
import type { EventLog } from './event-log.ts';
import type { SigningKey } from './manifest-signing.ts';
import type { Records } from './records.ts';
import { formatTime } from './times.ts';

/** What every endpoint works with. */
export interface ClusterContext {
  readonly identity: ClusterIdentity;
  readonly records: Records;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: LogPort;
  readonly signing: SigningKey;
  readonly limits: ApiLimits;
  readonly storageClasses: Readonly<
    Record<string, { readonly isDefault: boolean; readonly priority?: number }>
  >;
  readonly keepServices: () => readonly KeepServiceRecord[];
  /** Waits until stored blocks are on the platter, where the fsync policy wants it. */
  readonly syncBlocks: () => Promise<void>;
}

export interface ApiLimits {
  readonly defaultReplication: number;
  readonly maxRequestSize: number;
  readonly preserveVersionIfIdleSeconds: number;
  /** How long the trash keeps a collection: DefaultTrashLifetime. */
  readonly trashLifetimeSeconds: number;
}

export interface KeepServiceRecord {
  readonly uuid: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly isReadOnly: boolean;
}

/** A new uuid of that kind, such as `4zz18` for collections. */
export function newUuid(context: Pick<ClusterContext, 'identity'>, infix: string): string {
  return `${context.identity.clusterId}-${infix}-${randomBase36(systemRandom, 15)}`;
}

export function nowText(context: Pick<ClusterContext, 'clock'>): string {
  return formatTime(context.clock.nowMs());
}

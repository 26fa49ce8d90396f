import type { TlsSettings } from './http-agents.ts';
import type { KeepTimeouts } from './keep-request.ts';
import type {
  BlockAttempt,
  FetchResult,
  FetchTargets,
  GetProgress,
  KeepService,
  PutProgress,
  PutResult,
} from './ports.ts';

/** The first message to a Keep thread. The token goes by message only: workerData and argv are easier to see. */
export interface KeepThreadSetup {
  readonly token: string;
  readonly tls: TlsSettings;
  readonly allowPlainHttp: boolean;
  readonly timeouts: Partial<KeepTimeouts>;
  /** Memory of RateLimits. */
  readonly uploadLimit: SharedArrayBuffer;
  readonly downloadLimit: SharedArrayBuffer;
}

interface RoundInput {
  readonly services: readonly KeepService[];
  readonly round: number;
}

export interface ReadInput extends RoundInput {
  readonly locator: string;
  readonly progress?: GetProgress;
}

interface PutInput extends RoundInput {
  /** Names the call in events. */
  readonly callId: number;
  readonly md5: string;
  /** A view of shared memory. */
  readonly data: Uint8Array;
  readonly copies: number;
  readonly storageClasses: readonly string[];
  readonly progress?: PutProgress;
}

/** What a Keep thread does: md5, and single rounds over the Keep servers. */
export type KeepThreadApi = {
  setup(input: KeepThreadSetup): void;
  setToken(input: string): void;
  md5(input: Uint8Array): Promise<string>;
  put(input: PutInput): Promise<PutResult>;
  /** The bytes come before the answer, as a `block` event: only events can hand memory over to the other thread. */
  get(input: ReadInput & { readonly callId: number }): Promise<void>;
  head(input: ReadInput): Promise<void>;
  fetchTo(input: ReadInput & { readonly targets: FetchTargets }): Promise<FetchResult>;
};

export interface AttemptEvent {
  readonly callId: number;
  readonly attempt: BlockAttempt;
}

/** Memory that the thread gave away: not shared, as the garbage collector loses sight of shared memory. */
export interface BlockEvent {
  readonly callId: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

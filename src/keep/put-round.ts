import { asKeepsyncError, type ErrorCode, isRetriable, KeepsyncError } from '../base/errors.ts';
import {
  abortError,
  commonCode,
  KeepWriteError,
  NO_PUT_PROGRESS,
  serverFailure,
  withServers,
} from './keep-errors.ts';
import type { KeepServers, PutAnswer } from './keep-request.ts';
import type { KeepService, PutOptions, PutProgress, PutResult, ServerFailure } from './ports.ts';
import { writeOrder } from './rendezvous.ts';

export interface RoundEnvironment {
  readonly servers: Pick<KeepServers, 'put'>;
  readonly newRequestId: () => string;
}

/** Counts copies and classes over the answers of all rounds. */
class Tally {
  readonly #wantedCopies: number;
  readonly #wantedClasses: readonly string[];
  #copies: number;
  /** Undefined for good once a server stored the block without saying in which classes. */
  #classes: Record<string, number> | undefined;
  #locator: string | undefined;
  readonly #done: Set<string>;
  readonly #dropped: ServerFailure[];
  /** Of this round: failures that may pass. */
  readonly #passing: ServerFailure[] = [];

  constructor(options: PutOptions) {
    const progress = options.progress ?? NO_PUT_PROGRESS;
    this.#wantedCopies = options.copies;
    this.#wantedClasses = options.storageClasses;
    this.#copies = progress.copies;
    this.#classes = progress.classes && { ...progress.classes };
    this.#locator = progress.locator;
    this.#done = new Set(progress.doneServices);
    this.#dropped = [...progress.dropped];
  }

  stored(service: KeepService, answer: PutAnswer): void {
    this.#done.add(service.uuid);
    this.#copies += answer.copies;
    this.#locator ??= answer.locator;
    if (answer.classes === undefined) {
      this.#classes = undefined;
    } else if (this.#classes) {
      for (const [name, count] of Object.entries(answer.classes)) {
        this.#classes[name] = (this.#classes[name] ?? 0) + count;
      }
    }
  }

  failed(failure: ServerFailure): void {
    (isRetriable(failure.code) ? this.#passing : this.#dropped).push(failure);
  }

  get failures(): readonly ServerFailure[] {
    return [...this.#passing, ...this.#dropped];
  }

  get mayPass(): boolean {
    return this.#passing.length > 0;
  }

  mayAsk(service: KeepService): boolean {
    return (
      !this.#done.has(service.uuid) && !this.#dropped.some((failure) => failure.serviceUuid === service.uuid)
    );
  }

  get missingCopies(): number {
    return Math.max(0, this.#wantedCopies - this.#copies);
  }

  #missingOf(storageClass: string): number {
    const classes = this.#classes;
    return classes ? Math.max(0, this.#wantedCopies - (classes[storageClass] ?? 0)) : 0;
  }

  /** How many more servers that store one copy each would do. */
  get missing(): number {
    return Math.max(this.missingCopies, ...this.#wantedClasses.map((name) => this.#missingOf(name)));
  }

  /** Classes to ask for: those not yet confirmed often enough, or all while only copies are missing. */
  get classesToAsk(): readonly string[] {
    const missing = this.#wantedClasses.filter((name) => this.#missingOf(name) > 0);
    return missing.length > 0 ? missing : this.#wantedClasses;
  }

  progress(): PutProgress {
    return {
      copies: this.#copies,
      classes: this.#classes && { ...this.#classes },
      doneServices: [...this.#done],
      dropped: [...this.#dropped],
      locator: this.#locator,
    };
  }

  result(): PutResult | undefined {
    return this.missing > 0 || this.#locator === undefined
      ? undefined
      : { locator: this.#locator, copies: this.#copies, classes: this.#classes && { ...this.#classes } };
  }
}

/**
 * One round: asks the servers in rendezvous order, each at most once, until every wanted copy is confirmed in every wanted
 * class. Where all servers are `disk`, each stores one copy, and as many are asked at the same time as copies are missing,
 * so that never more copies are sent than wanted. Otherwise a server makes the copies by itself and one is asked at a
 * time, for the full number: a second proxy would store its copies on the very same servers.
 *
 * Rejects with KeepWriteError, whose `progress` the next round takes up; on abort with the signal's reason, once no
 * request holds `data` any more.
 */
export async function putRound(
  md5: string,
  data: Uint8Array,
  services: readonly KeepService[],
  options: PutOptions & { readonly signal: AbortSignal },
  env: RoundEnvironment,
): Promise<PutResult> {
  const tally = new Tally(options);
  const writable = writeOrder(md5, services);
  const queue = writable.filter((service) => tally.mayAsk(service));
  const oneCopyEach = writable.every((service) => service.serviceType === 'disk');
  const running = new Set<Promise<void>>();

  const ask = async (service: KeepService): Promise<void> => {
    const requestId = env.newRequestId();
    const attempt = { round: options.round ?? 1, server: service.baseUrl, requestId };
    const wanted = {
      copies: oneCopyEach ? 1 : options.copies,
      storageClasses: tally.classesToAsk,
    };
    options.onAttempt?.({ ...attempt, outcome: 'started' });
    try {
      const context = { requestId, round: attempt.round, signal: options.signal };
      const answer = await env.servers.put(service, { md5, data }, wanted, context);
      if (answer.copies === 0) {
        // Whoever has none may have one in the next round.
        throw new KeepsyncError('COPIES', 'stored no copy');
      }
      tally.stored(service, answer);
      options.onAttempt?.({ ...attempt, outcome: 'stored' });
    } catch (thrown) {
      const error = asKeepsyncError(thrown);
      options.onAttempt?.({ ...attempt, outcome: 'failed', error: error.message });
      tally.failed(serverFailure(error, service, requestId));
    }
  };

  while (tally.missing > 0 && !options.signal.aborted) {
    const atOnce = oneCopyEach ? tally.missing : 1;
    while (running.size < atOnce) {
      const service = queue.shift();
      if (!service) {
        break;
      }
      const request: Promise<void> = ask(service).finally(() => running.delete(request));
      running.add(request);
    }
    if (running.size === 0) {
      break;
    }
    await Promise.race(running);
  }
  await Promise.all(running);
  const result = tally.result();
  if (result) {
    return result;
  }
  if (options.signal.aborted) {
    throw abortError(options.signal);
  }
  throw shortfall(md5, services, writable, options, tally);
}

function shortfall(
  md5: string,
  services: readonly KeepService[],
  writable: readonly KeepService[],
  options: PutOptions,
  tally: Tally,
): KeepWriteError {
  const progress = tally.progress();
  const { failures } = tally;
  let code: ErrorCode;
  if (services.length === 0) {
    code = 'NO_KEEP';
  } else if (writable.length === 0) {
    code = 'READ_ONLY';
  } else if (tally.missingCopies === 0 && !tally.mayPass) {
    code = 'CLASSES';
  } else {
    code = commonCode(failures, 'COPIES');
  }
  const copies = `${progress.copies} of ${options.copies} copies`;
  const classes = code === 'CLASSES' ? `, but not in the classes ${options.storageClasses.join(', ')}` : '';
  const message = withServers(`Block ${md5} was stored in ${copies}${classes}`, failures);
  return new KeepWriteError(code, message, { failures, progress });
}

/** Options that make no sense are a bug of the caller: USAGE, before anything is sent. */
export function checkPutOptions(options: PutOptions): void {
  if (!Number.isInteger(options.copies) || options.copies < 1) {
    throw new KeepsyncError('USAGE', `${options.copies} is no number of copies`);
  }
}

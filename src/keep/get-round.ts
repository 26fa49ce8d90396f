import { asKeepsyncError, isRetriable } from '../base/errors.ts';
import {
  abortError,
  commonCode,
  KeepNotFoundError,
  KeepReadError,
  NO_GET_PROGRESS,
  serverFailure,
  withServers,
} from './keep-errors.ts';
import type { RequestContext } from './keep-request.ts';
import { parseLocator } from './locator.ts';
import type { GetOptions, KeepService, ServerFailure } from './ports.ts';
import { readOrder } from './rendezvous.ts';

/**
 * One round: asks the servers one after the other, those of the locator's `+K` hints first, until one does what `ask`
 * wants of it. Rejects with KeepNotFoundError when each says that it lacks the block (404, 410) or keeps it from this
 * token (403), else with KeepReadError; on abort with the signal's reason.
 */
export async function getRound(
  locator: string,
  services: readonly KeepService[],
  options: GetOptions & { readonly signal: AbortSignal },
  ask: (service: KeepService, context: RequestContext) => Promise<void>,
  newRequestId: () => string,
): Promise<void> {
  const parsed = parseLocator(locator);
  const dropped: ServerFailure[] = [...(options.progress ?? NO_GET_PROGRESS).dropped];
  const passing: ServerFailure[] = [];
  const isDropped = (service: KeepService) => dropped.some((failure) => failure.serviceUuid === service.uuid);
  const order = readOrder(parsed, services).filter((service) => !isDropped(service));
  for (const service of order) {
    const requestId = newRequestId();
    try {
      await ask(service, { requestId, round: options.round ?? 1, signal: options.signal });
      return;
    } catch (thrown) {
      if (options.signal.aborted) {
        throw abortError(options.signal);
      }
      const error = asKeepsyncError(thrown);
      const failure = serverFailure(error, service, requestId);
      (isRetriable(error.code) ? passing : dropped).push(failure);
    }
  }
  const failures = [...dropped, ...passing];
  const outcome = { failures, progress: { dropped } };
  const name = `${parsed.md5}+${parsed.sizeBytes}`;
  if (failures.length === 0) {
    throw new KeepReadError('NO_KEEP', `No Keep server to ask for block ${name}`, outcome);
  }
  if (failures.every((failure) => failure.code === 'NOT_FOUND' || failure.code === 'FORBIDDEN')) {
    throw new KeepNotFoundError(withServers(`No Keep server has block ${name}`, failures), outcome);
  }
  const message = withServers(`Block ${name} could not be read`, failures);
  throw new KeepReadError(commonCode(failures, 'SERVER'), message, outcome);
}

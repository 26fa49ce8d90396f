import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';

/** One block that is not stored, and why. */
export interface BlockFailure {
  /** `md5+size`; the block's id where its md5 could not be computed. */
  readonly locator: string;
  readonly blockId: string;
  readonly cause: KeepsyncError;
}

/**
 * Blocks that failed to upload in the background, all of them. Its code is that of the first, its action and request
 * id too.
 */
export class AsyncKeepWriteErrors extends KeepsyncError {
  readonly failures: readonly BlockFailure[];

  constructor(failures: readonly BlockFailure[]) {
    const first = asKeepsyncError(failures[0]?.cause);
    const count = failures.length === 1 ? 'A block' : `${failures.length} blocks`;
    super(first.code, `${count} could not be stored: ${first.message}`, {
      ...(first.action === undefined ? {} : { action: first.action }),
      ...(first.requestId === undefined ? {} : { requestId: first.requestId }),
      ...(first.httpStatus === undefined ? {} : { httpStatus: first.httpStatus }),
      info: {
        failures: failures.map(({ locator, blockId, cause }) => ({ locator, blockId, code: cause.code })),
      },
      cause: first,
    });
    this.failures = failures;
  }
}

import { type ErrorCode, type ErrorRecord, fileErrorCode, KeepsyncError } from '../base/errors.ts';
import { systemCodeOf } from './sync-disk.ts';

const TEXTS: Partial<Record<ErrorCode, readonly [message: string, action: string]>> = {
  FILE_DENIED: ['No permission to read', 'Give yourself permission to read it, or leave it out.'],
  FILE_BUSY: ['In use by another program', 'Close the program that uses it; it is tried again by itself.'],
  FILE_GONE: ['Vanished while it was looked at', 'Nothing to do: the next look settles it.'],
  FILE_BROKEN: ['The disk cannot read', 'Check the disk or the network drive.'],
  FILE_KIND: ['Not a regular file', 'Leave it out, or replace it by a file.'],
  TOO_MANY_OPEN: [
    'Too many open files for',
    'It is tried again by itself; raise the limit of open files if it stays.',
  ],
};

/** A system error on one file, as ours: the code says what it means, the text names the file. */
export function fileError(thrown: unknown, diskPath: string): KeepsyncError {
  if (thrown instanceof KeepsyncError) {
    return thrown;
  }
  const systemCode = systemCodeOf(thrown);
  if (systemCode === 'ENAMETOOLONG') {
    return new KeepsyncError('BAD_NAME', `The path is too long for this system: ${diskPath}`, {
      action: 'Move it nearer to the top, or shorten names.',
      cause: thrown,
    });
  }
  if (systemCode === undefined) {
    // A bug of ours must not pass for a broken disk.
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new KeepsyncError('INTERNAL', `${message}: ${diskPath}`, { cause: thrown });
  }
  const code = fileErrorCode(systemCode);
  const [message, action] = TEXTS[code] ?? ['Cannot read', 'Check the disk.'];
  return new KeepsyncError(code, `${message}: ${diskPath}`, { action, info: { systemCode }, cause: thrown });
}

/** The record of an error that a person sees: without a stack, which for a million held files would be a flood. */
export function plainRecord(error: KeepsyncError): ErrorRecord {
  return {
    code: error.code,
    name: error.name,
    message: error.message,
    ...(error.action === undefined ? {} : { action: error.action }),
    ...(error.info === undefined ? {} : { info: error.info }),
  };
}

export function fileErrorRecord(thrown: unknown, diskPath: string): ErrorRecord {
  return plainRecord(fileError(thrown, diskPath));
}

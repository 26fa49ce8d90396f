import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import winston from 'winston';
import { PRIVATE_DIR_MODE, PRIVATE_FILE_MODE } from '../base/durable-file.ts';
import type { LogLevel, LogPort } from '../base/log.ts';
import { redact } from '../base/redact.ts';

/** Five files of 5 MiB: weeks of ordinary running, and a bound that a fault cannot break. */
const FILE_MAX_BYTES = 5 * 1024 * 1024;
const FILES_MAX = 5;

export interface LogFiles extends LogPort {
  /** Also to be kept out of the log, in every form. */
  hide(secrets: readonly string[]): void;
  /** Resolves once everything is written. */
  close(): Promise<void>;
}

/** Log lines as JSON in files that turn over; every line goes through `redact`. */
export function openLogFiles(logFile: string, level: LogLevel): LogFiles {
  mkdirSync(dirname(logFile), { recursive: true, mode: PRIVATE_DIR_MODE });
  const secrets: string[] = [];
  const transport = new winston.transports.File({
    filename: logFile,
    maxsize: FILE_MAX_BYTES,
    maxFiles: FILES_MAX,
    tailable: true,
    options: { flags: 'a', mode: PRIVATE_FILE_MODE },
  });
  const logger = winston.createLogger({
    level,
    format: winston.format.combine(
      winston.format.timestamp(),
      winston.format.printf((entry) => redact(JSON.stringify(entry), secrets)),
    ),
    transports: [transport],
  });
  let isClosed = false;
  return {
    log: (lineLevel, message, fields) => {
      // what ends last has nowhere to say so
      if (!isClosed) {
        logger.log(lineLevel, message, fields ?? {});
      }
    },
    hide: (more) => {
      secrets.push(...more);
    },
    close: () =>
      new Promise((resolve) => {
        if (isClosed) {
          resolve();
          return;
        }
        isClosed = true;
        transport.once('finish', () => resolve());
        logger.end();
      }),
  };
}

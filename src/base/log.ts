export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/**
 * Where log lines go. `fields` must survive JSON and never hold a token: every implementation runs them through
 * `redact` all the same.
 */
export interface LogPort {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLog: LogPort = { log: () => undefined };

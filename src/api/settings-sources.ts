import { join } from 'node:path';
import { KeepsyncError } from '../base/errors.ts';
import { checkToken, parseApiHost } from './api-host.ts';

/** Where host and token were found. */
export type SettingsOrigin = 'environment' | 'settings file';

export interface AccountSettings {
  /** Cleaned: `h` or `h:port`. */
  readonly host: string;
  readonly token: string;
  readonly insecure: boolean;
  readonly origin: SettingsOrigin;
}

export interface SettingsSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDir: string;
  /** The text of a file, or undefined where there is none. May throw for other reasons. */
  readonly readText: (path: string) => string | undefined;
}

/** A variable's value, and where it is from. */
export interface SettingsVariable {
  readonly value: string;
  readonly origin: SettingsOrigin;
}

/** `~/.config/arvados/settings.conf`, which the Arvados commands read, too; below XDG_CONFIG_HOME where that is set. */
export function settingsFilePath(sources: Pick<SettingsSources, 'env' | 'homeDir'>): string {
  const configDir = sources.env.XDG_CONFIG_HOME || join(sources.homeDir, '.config');
  return join(configDir, 'arvados', 'settings.conf');
}

/**
 * All `ARVADOS_…` variables: those of the environment, then those of the settings file that the environment does not
 * set. An empty variable counts as not set.
 */
export function readArvadosVariables(sources: SettingsSources): ReadonlyMap<string, SettingsVariable> {
  const variables = new Map<string, SettingsVariable>();
  const path = settingsFilePath(sources);
  for (const [name, value] of parseSettingsFile(sources.readText(path) ?? '', path)) {
    variables.set(name, { value, origin: 'settings file' });
  }
  for (const [name, value] of Object.entries(sources.env)) {
    if (name.startsWith('ARVADOS_') && value !== undefined && value !== '') {
      variables.set(name, { value, origin: 'environment' });
    }
  }
  return variables;
}

/**
 * Host and token as the Arvados commands would take them, or undefined where neither is set. Throws USAGE where one of
 * them is missing or malformed; no message repeats a value.
 */
export function readAccountSettings(sources: SettingsSources): AccountSettings | undefined {
  const variables = readArvadosVariables(sources);
  const host = variables.get('ARVADOS_API_HOST');
  const token = variables.get('ARVADOS_API_TOKEN');
  if (host === undefined && token === undefined) {
    return undefined;
  }
  if (host === undefined || token === undefined) {
    const [there, missing] =
      host === undefined
        ? ['ARVADOS_API_TOKEN', 'ARVADOS_API_HOST']
        : ['ARVADOS_API_HOST', 'ARVADOS_API_TOKEN'];
    throw new KeepsyncError('USAGE', `${there} is set, but ${missing} is not`, {
      action: `Set both, in the environment or in ${settingsFilePath(sources)}.`,
    });
  }
  return {
    host: named('ARVADOS_API_HOST', host.origin, () => parseApiHost(host.value).text),
    token: named('ARVADOS_API_TOKEN', token.origin, () => checkToken(token.value)),
    insecure: isTrue(variables.get('ARVADOS_API_HOST_INSECURE')?.value),
    origin: host.origin,
  };
}

/** What the Arvados commands take for yes. */
function isTrue(value: string | undefined): boolean {
  return ['1', 'yes', 'true'].includes((value ?? '').toLowerCase());
}

/** Says which variable it was, and where it is set. */
function named<T>(variable: string, origin: SettingsOrigin, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      const action = thrown.action === undefined ? {} : { action: thrown.action };
      throw new KeepsyncError(thrown.code, `${variable} (${origin}): ${thrown.message}`, {
        ...action,
        cause: thrown,
      });
    }
    throw thrown;
  }
}

/** `NAME=VALUE` lines; blank ones and those with `#` are left out, quotes around a value are taken off. */
function parseSettingsFile(text: string, path: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [index, rawLine] of text.split(/\r?\n/).entries()) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#')) {
      continue;
    }
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new KeepsyncError('USAGE', `Line ${index + 1} of ${path} is not NAME=VALUE`, {
        action: 'Correct or remove the line.',
      });
    }
    const value = match[2].replace(/^(["'])(.*)\1$/, '$2');
    if (match[1].startsWith('ARVADOS_') && value !== '') {
      values.set(match[1], value);
    }
  }
  return values;
}

import { describe, expect, test } from 'vitest';
import {
  readAccountSettings,
  readArvadosVariables,
  settingsFilePath,
} from '../../src/api/settings-sources.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { TEST_TOKEN } from '../support/api-fixtures.ts';

const HOME = '/home/ada';
const FILE = '/home/ada/.config/arvados/settings.conf';

function sources(
  env: Record<string, string>,
  files: Record<string, string> = {},
): Parameters<typeof readAccountSettings>[0] {
  return { env, homeDir: HOME, readText: (path) => files[path] };
}

function refusal(env: Record<string, string>, files: Record<string, string> = {}): KeepsyncError {
  try {
    readAccountSettings(sources(env, files));
  } catch (thrown) {
    if (thrown instanceof KeepsyncError) {
      return thrown;
    }
    throw thrown;
  }
  throw new Error('expected an error, but there was none');
}

describe('host and token', () => {
  test('come from the environment', () => {
    const env = {
      ARVADOS_API_HOST: 'https://zzzzz.example.org/',
      ARVADOS_API_TOKEN: TEST_TOKEN,
      ARVADOS_API_HOST_INSECURE: 'Yes',
    };
    expect(readAccountSettings(sources(env))).toEqual({
      host: 'zzzzz.example.org',
      token: TEST_TOKEN,
      insecure: true,
      origin: 'environment',
    });
  });

  test('come from the settings file', () => {
    const text = `# mine\n\nARVADOS_API_HOST = zzzzz.example.org:8443\r\nexport ARVADOS_API_TOKEN="${TEST_TOKEN}"\nOTHER=1\n`;
    expect(readAccountSettings(sources({}, { [FILE]: text }))).toEqual({
      host: 'zzzzz.example.org:8443',
      token: TEST_TOKEN,
      insecure: false,
      origin: 'settings file',
    });
  });

  test('of the environment win over those of the file, one by one', () => {
    const text = `ARVADOS_API_HOST=file.example.org\nARVADOS_API_TOKEN=${TEST_TOKEN}\n`;
    const env = { ARVADOS_API_HOST: 'env.example.org', ARVADOS_API_TOKEN: '' };
    expect(readAccountSettings(sources(env, { [FILE]: text }))).toMatchObject({
      host: 'env.example.org',
      token: TEST_TOKEN,
    });
  });

  test('are undefined where nobody set them', () => {
    expect(readAccountSettings(sources({}))).toBeUndefined();
    expect(readAccountSettings(sources({ ARVADOS_API_HOST: '' }))).toBeUndefined();
  });

  test.each(['0', 'no', 'false', ''])('stay verified with INSECURE=%j', (value) => {
    const env = { ARVADOS_API_HOST: 'h', ARVADOS_API_TOKEN: 't', ARVADOS_API_HOST_INSECURE: value };
    expect(readAccountSettings(sources(env))?.insecure).toBe(false);
  });

  test('have to be there both', () => {
    const missing = refusal({ ARVADOS_API_HOST: 'zzzzz.example.org' });
    expect(missing.code).toBe('USAGE');
    expect(missing.message).toContain('ARVADOS_API_TOKEN is not');
    expect(missing.action).toContain(FILE);
    expect(refusal({ ARVADOS_API_TOKEN: TEST_TOKEN }).message).toContain('ARVADOS_API_HOST is not');
  });

  test('that are malformed are refused by name and place, without repeating them', () => {
    const host = refusal({ ARVADOS_API_HOST: 'http://s3cr3t.example.org', ARVADOS_API_TOKEN: TEST_TOKEN });
    expect(host.message).toContain('ARVADOS_API_HOST (environment)');
    const token = refusal({}, { [FILE]: 'ARVADOS_API_HOST=h\nARVADOS_API_TOKEN=s3cr3t s3cr3t\n' });
    expect(token.message).toContain('ARVADOS_API_TOKEN (settings file)');
    for (const error of [host, token]) {
      expect(error.code).toBe('USAGE');
      expect(`${error.message}${error.action}${error.stack}`).not.toContain('s3cr3t');
    }
  });

  test('in a file with a line that is no setting are not guessed at', () => {
    const error = refusal({}, { [FILE]: `ARVADOS_API_HOST=h\n${TEST_TOKEN}\n` });
    expect(error.code).toBe('USAGE');
    expect(error.message).toContain('Line 2');
    expect(error.message).not.toContain('s3cr3t');
  });
});

describe('the settings file', () => {
  test('follows XDG_CONFIG_HOME', () => {
    expect(settingsFilePath({ env: {}, homeDir: HOME })).toBe(FILE);
    expect(settingsFilePath({ env: { XDG_CONFIG_HOME: '/x' }, homeDir: HOME })).toBe(
      '/x/arvados/settings.conf',
    );
  });

  test('gives other Arvados variables, too, and only those', () => {
    const text = 'ARVADOS_KEEP_SERVICES=http://k1:1 http://k2:2\nPATH=/evil\n';
    const variables = readArvadosVariables(sources({ HOME }, { [FILE]: text }));
    expect(Object.fromEntries(variables)).toEqual({
      ARVADOS_KEEP_SERVICES: { value: 'http://k1:1 http://k2:2', origin: 'settings file' },
    });
  });
});

import { describe, expect, test } from 'vitest';
import { autostartEntry, execArgument } from '../../src/desktop/autostart-entry.ts';

describe('the entry that starts the app at login', () => {
  test('names the program and what it is given', () => {
    const entry = autostartEntry(['/opt/Keepsync/keepsync', '--hidden']);
    expect(entry.split('\n')[0]).toBe('[Desktop Entry]');
    expect(entry).toContain('\nExec="/opt/Keepsync/keepsync" "--hidden"\n');
    expect(entry.endsWith('\n')).toBe(true);
  });

  test.each([
    ['/my apps/keepsync', '"/my apps/keepsync"'],
    ['100%', '"100%%"'],
    ['$HOME`x`', '"\\\\$HOME\\\\`x\\\\`"'],
    ['a"b', '"a\\\\"b"'],
    ['a\\b', '"a\\\\\\\\b"'],
  ])('%s is one argument', (text, expected) => {
    expect(execArgument(text)).toBe(expected);
  });
});

import { expect, test } from 'vitest';
import { openerOf } from '../../src/cli/open-in-browser.ts';
import { withRequestId } from '../../src/cli/output.ts';

test('a request id is told once', () => {
  const id = 'req-aaaaaaaaaaaaaaaaaaaa';
  expect(withRequestId('No', id)).toBe(`No (${id})`);
  expect(withRequestId(`No: keep1: busy (${id})`, id)).toBe(`No: keep1: busy (${id})`);
  expect(withRequestId('No', undefined)).toBe('No');
  expect(withRequestId('No', null)).toBe('No');
});

test('a browser is looked for only where there is a desktop', () => {
  expect(openerOf({ platform: 'linux', env: {} })).toBeUndefined();
  expect(openerOf({ platform: 'linux', env: { WAYLAND_DISPLAY: 'wayland-0' } })).toEqual(['xdg-open']);
  expect(openerOf({ platform: 'darwin', env: {} })).toEqual(['open']);
  expect(openerOf({ platform: 'win32', env: {} })).toEqual(['explorer.exe']);
});

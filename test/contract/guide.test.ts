import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/base/errors.ts';
import { CAUSES } from '../../src/contract/problems.ts';
import { CliWorld } from '../cli/support/cli-world.ts';

const guide = readFileSync(new URL('../../docs/guide.md', import.meta.url), 'utf8');

/** The rows of the table below a heading, as their cells. */
function tableOf(heading: string): string[][] {
  const section = guide.split(/^#+ /m).find((text) => text.startsWith(heading)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

describe('the guide', () => {
  test.each([
    ['waiting', 'Waiting: '],
    ['needs-you', 'Needs you: '],
  ] as const)('says of every cause of the kind %s, in its own words, what to do', (kind, heading) => {
    const wanted = ERROR_CODES.filter((code) => CAUSES[code].kind === kind).map((code) => [
      CAUSES[code].reason,
      `\`${code}\``,
    ]);
    const told = tableOf(heading);
    expect(told.map((cells) => cells.slice(0, 2)).sort()).toEqual(wanted.sort());
    for (const [, code, advice = ''] of told) {
      expect(advice.length, code).toBeGreaterThan(5);
    }
  });

  test('names every command, and no other', async () => {
    const world = new CliWorld();
    const commandsOf = async (...args: string[]) => {
      const help =
        (await world.run(...args, '--help')).stdout.split('Commands:\n')[1]?.split('\n\n')[0] ?? '';
      return [...help.matchAll(/^ {2}([a-z]+)/gm)].flatMap(([, name]) => (name === 'help' ? [] : [name]));
    };
    const all = (await commandsOf()).filter((name) => name !== 'folder' && name !== 'ignore');
    const below = await Promise.all(
      ['folder', 'ignore'].map(async (group) => (await commandsOf(group)).map((name) => `${group} ${name}`)),
    );
    await world.close();
    const told = tableOf('The command line').map(([command = '']) =>
      command
        .replaceAll('`', '')
        .replace(/^keepsync /, '')
        .replace(/ [-A-Z[].*$| bash$/, ''),
    );
    expect(told.sort()).toEqual([...all, ...below.flat()].sort());
  });

  test('shows pictures that are there, as the README does', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const shown = [...`${guide}${readme}`.matchAll(/pictures\/([a-z-]+\.png)/g)].map(
      ([, name]) => name ?? '',
    );
    expect(shown.length).toBeGreaterThan(0);
    for (const name of shown) {
      const start = readFileSync(new URL(`../../docs/pictures/${name}`, import.meta.url)).subarray(1, 4);
      expect(start.toString('latin1')).toBe('PNG');
    }
  });
});

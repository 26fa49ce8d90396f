import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/**
 * The licences of every package that a bundle took something from.
 * @param {string} root of the checkout
 * @param {Array<{ inputs: Record<string, unknown> }>} metafiles of esbuild
 * @returns {{ text: string, packages: number }}
 */
export function collectNotices(root, metafiles) {
  const folders = new Set();
  for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    // The innermost node_modules: a package may bring its own copy of another.
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match?.[1] !== undefined) {
      folders.add(match[1]);
    }
  }
  const notices = [...folders].sort().map((folder) => notice(join(root, folder)));
  return {
    text: `Keepsync contains the following packages.\n\n${[...new Set(notices)].join('\n')}`,
    packages: notices.length,
  };
}

function notice(folder) {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((name) => LICENCE_FILE.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8').trim());
  const licence = typeof about.license === 'string' ? about.license : about.license?.type;
  if (licence === undefined && texts.length === 0) {
    throw new Error(`${about.name} says nothing about its licence`);
  }
  const author = typeof about.author === 'string' ? about.author : about.author?.name;
  const without = author === undefined ? [] : [`Copyright: ${author}`];
  const body = texts.length > 0 ? texts : without;
  return ['-'.repeat(80), `${about.name} ${about.version} (${licence ?? 'see below'})`, '', ...body, ''].join(
    '\n',
  );
}

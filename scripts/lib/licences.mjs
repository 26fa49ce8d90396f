/** What may be in the packages that are handed on: licences that ask for no more than their own text. */
const ALLOWED = new Set([
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Zlib'],
  ...['CC0-1.0', 'Unlicense', 'Python-2.0'],
]);

/** A heading of THIRD-PARTY-NOTICES.txt, which stands under a line of dashes: `name 1.2.3 (MIT)`. */
const HEADING = /^-{80}\n(\S+) (\S+) \(([^\n]+)\)$/gm;

/**
 * The packages that the notices name.
 * @param {string} notices
 * @returns {Array<{ name: string, version: string, licence: string }>}
 */
export function packagesIn(notices) {
  return [...notices.matchAll(HEADING)].map(([, name = '', version = '', licence = '']) => ({
    name,
    version,
    licence,
  }));
}

/**
 * Whether an SPDX expression lets the package be handed on: all parts of an AND, one part of an OR.
 * @param {string} expression
 */
export function isAllowed(expression) {
  const text = expression.trim();
  const inner = /^\((.*)\)$/.exec(text)?.[1];
  if (inner !== undefined && !/[()]/.test(inner)) {
    return isAllowed(inner);
  }
  if (/[()]/.test(text)) {
    return false;
  }
  return text
    .split(/\s+OR\s+/)
    .some((choice) => choice.split(/\s+AND\s+/).every((licence) => ALLOWED.has(licence.trim())));
}

/**
 * What `npm audit --json` says. `unknown`: the registry was not asked, or its answer is none; that is something else than
 * an answer without advisories.
 *
 * @typedef {{ name: string, severity: string, range: string, fixAvailable: unknown }} Advisory
 * @param {string} output
 * @returns {{ kind: 'none' | 'found', found: Advisory[] } | { kind: 'unknown', why: string }}
 */
export function readAdvisories(output) {
  const report = parse(output);
  const vulnerabilities = report?.vulnerabilities;
  if (typeof vulnerabilities !== 'object' || vulnerabilities === null || report.error !== undefined) {
    const why = report?.message ?? report?.error?.summary ?? output.split('\n')[0]?.trim();
    return { kind: 'unknown', why: why || 'no answer' };
  }
  const found = Object.values(vulnerabilities);
  return { kind: found.length === 0 ? 'none' : 'found', found };
}

function parse(text) {
  try {
    return JSON.parse(text.slice(Math.max(0, text.indexOf('{'))));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) {
      return undefined;
    }
    throw thrown;
  }
}

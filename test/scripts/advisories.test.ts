import { describe, expect, test } from 'vitest';

const MODULE = new URL('../../scripts/lib/advisories.mjs', import.meta.url).href;
const { readAdvisories } = (await import(MODULE)) as { readAdvisories(output: string): unknown };

describe('what npm audit says', () => {
  test('is a clean bill only where the registry answered that there is nothing', () => {
    const clean = { auditReportVersion: 2, vulnerabilities: {}, metadata: { vulnerabilities: { total: 0 } } };
    expect(readAdvisories(JSON.stringify(clean))).toEqual({ kind: 'none', found: [] });
  });

  test('names what was found', () => {
    const one = { name: 'left', severity: 'high', range: '<2', fixAvailable: true };
    expect(readAdvisories(JSON.stringify({ vulnerabilities: { left: one } }))).toEqual({
      kind: 'found',
      found: [one],
    });
  });

  test.each([
    [
      'refuses the question',
      '{"message": "405 Method Not Allowed", "method": "POST"}',
      '405 Method Not Allowed',
    ],
    ['ends in an error', '{"error": {"code": "ENOAUDIT", "summary": "not supported"}}', 'not supported'],
    ['is a page', '<html>Welcome</html>', '<html>Welcome</html>'],
    ['is half an answer', '{"vulnerabilities": {', '{"vulnerabilities": {'],
    ['is nothing', '', 'no answer'],
    ['holds no list', '{"vulnerabilities": null}', '{"vulnerabilities": null}'],
  ])('that %s is no clean bill', (_how, output, why) => {
    expect(readAdvisories(output)).toEqual({ kind: 'unknown', why });
  });
});

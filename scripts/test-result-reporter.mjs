// A vitest reporter that writes what came of the tests as JSON, for scripts/lib/test-summary.mjs.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

class TestResultReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const results = { passed: 0, failed: 0, errors: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId).replaceAll('\\', '/');
      results.errors += module.errors().length;
      for (const suite of module.children.allSuites()) {
        results.errors += suite.errors().length;
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed' || result.state === 'failed') {
          results[result.state]++;
        } else {
          // Pending: the run was broken off before it.
          const why = result.state === 'skipped' ? (result.note ?? '') : 'never ran';
          results.skipped.push({ file, name: test.fullName, why });
        }
      }
    }
    writeFileSync(process.env.KEEPSYNC_TEST_RESULTS ?? 'test-results.json', JSON.stringify(results));
  }
}

// vitest loads a reporter by its default export.
// biome-ignore lint/style/noDefaultExport: see above
export default TestResultReporter;

import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** As much of a page as axe needs from here. */
interface PageWithAxe {
  readonly axe: { run(on: object, options: object): Promise<axe.AxeResults> };
  readonly document: object;
}

/** What axe finds, as `rule: elements`; by all rules, or by those named. */
async function violations(page: Page, rules: readonly string[]): Promise<string[]> {
  return await page.evaluate(
    async (values) => {
      const { axe: checker, document } = globalThis as unknown as PageWithAxe;
      const found = await checker.run(document, {
        resultTypes: ['violations'],
        ...(values.length === 0 ? {} : { runOnly: { type: 'rule' as const, values } }),
      });
      return found.violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
      );
    },
    [...rules],
  );
}

/** What axe finds in the page as it is, in the light theme and, as far as colours go, in the dark one. */
export async function complaintsOfAxe(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const complaints: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    // of the two themes only the colours differ
    const found = await violations(page, colorScheme === 'dark' ? ['color-contrast'] : []);
    complaints.push(...found.map((complaint) => `${colorScheme}: ${complaint}`));
  }
  return complaints;
}

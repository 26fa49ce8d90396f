import {
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from '@mantine/core';
import { cssVariablesResolver, theme } from './theme.ts';

/**
 * Puts the theme's variables into a constructable sheet. MantineProvider would write them into a `<style>` element, for
 * which the window's content security policy would have to allow inline styles.
 */
export function adoptVariables(target: Document): void {
  const full = mergeMantineTheme(DEFAULT_THEME, theme);
  const mantine = defaultCssVariablesResolver(full);
  const ours = cssVariablesResolver(full);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    convertCssVariables({
      variables: { ...mantine.variables, ...ours.variables },
      light: { ...mantine.light, ...ours.light, '--mantine-color-scheme': 'light' },
      dark: { ...mantine.dark, ...ours.dark, '--mantine-color-scheme': 'dark' },
    }),
  );
  target.adoptedStyleSheets = [...target.adoptedStyleSheets, sheet];
}

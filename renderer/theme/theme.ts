import {
  ActionIcon,
  Button,
  Checkbox,
  type CSSVariablesResolver,
  createTheme,
  Input,
  Menu,
  Modal,
  Switch,
  Tabs,
  Tooltip,
  type VariantColorsResolver,
} from '@mantine/core';
import { darkTokens, lightTokens } from './tokens.ts';

/** Buttons are ink or paper, never a state's colour. */
const inkVariants: VariantColorsResolver = ({ variant }) => {
  switch (variant) {
    case 'filled':
      return {
        background: 'var(--ink)',
        hover: 'var(--ink-2)',
        color: 'var(--on-ink)',
        border: '1px solid var(--ink)',
      };
    case 'subtle':
    case 'transparent':
      return {
        background: 'transparent',
        hover: 'var(--hover)',
        color: 'var(--ink-2)',
        border: '1px solid transparent',
      };
    default:
      return {
        background: 'var(--raised)',
        hover: 'var(--hover)',
        color: 'var(--ink)',
        border: '1px solid var(--line-strong)',
      };
  }
};

const sans =
  '-apple-system, "Segoe UI Variable Text", "Segoe UI", "Noto Sans", Cantarell, "Liberation Sans", Arial, sans-serif';
const mono =
  'ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "Noto Sans Mono", "DejaVu Sans Mono", Menlo, monospace';

export const theme = createTheme({
  fontFamily: sans,
  fontFamilyMonospace: mono,
  primaryColor: 'ink',
  primaryShade: { light: 9, dark: 0 },
  colors: {
    ink: [
      '#E9ECF1',
      '#CDD2DA',
      '#B3BAC6',
      '#8F97A4',
      '#737B88',
      '#626A77',
      '#4A515D',
      '#323843',
      '#20252D',
      '#14181F',
    ],
  },
  variantColorResolver: inkVariants,
  defaultRadius: '6px',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1.25rem', xl: '1.375rem' },
  lineHeights: { xs: '1rem', sm: '1.25rem', md: '1.25rem', lg: '1.75rem', xl: '1.75rem' },
  spacing: { xs: '0.25rem', sm: '0.5rem', md: '0.75rem', lg: '1rem', xl: '1.5rem' },
  radius: { xs: '2px', sm: '6px', md: '6px', lg: '10px', xl: '10px' },
  shadows: { xs: 'none', sm: 'none', md: 'none', lg: 'none', xl: 'none' },
  focusClassName: 'focusable',
  components: {
    Button: Button.extend({
      defaultProps: { variant: 'default' },
      vars: (_theme, { size }) => ({
        root: {
          '--button-height': size === 'xs' ? '1.75rem' : '2rem',
          '--button-padding-x': size === 'xs' ? '0.625rem' : '0.75rem',
          '--button-fz': size === 'xs' ? '0.75rem' : '0.8125rem',
        },
        inner: {},
        loader: {},
        section: {},
        label: {},
      }),
    }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', size: '1.75rem' } }),
    Input: Input.extend({
      vars: (_theme, { size }) => ({
        wrapper: {
          '--input-height': size === 'xs' ? '1.75rem' : '2rem',
          '--input-fz': size === 'xs' ? '0.75rem' : '0.8125rem',
        },
      }),
    }),
    Switch: Switch.extend({
      defaultProps: { withThumbIndicator: false },
      vars: () => ({
        root: {
          '--switch-width': '2rem',
          '--switch-height': '1.125rem',
          '--switch-thumb-size': '0.875rem',
          '--switch-track-label-padding': '0.125rem',
        },
      }),
    }),
    Checkbox: Checkbox.extend({ defaultProps: { size: 'xs', radius: '4px' } }),
    Menu: Menu.extend({
      defaultProps: { transitionProps: { duration: 0 }, shadow: 'none', position: 'bottom-end', offset: 4 },
    }),
    // the page's own scroll lock would need a style element; a modal over the page needs none
    Modal: Modal.extend({
      defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 0 }, radius: '10px' },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        openDelay: 300,
        transitionProps: { duration: 0 },
        events: { hover: true, focus: true, touch: false },
      },
    }),
    Tabs: Tabs.extend({ defaultProps: { variant: 'unstyled' } }),
  },
});

function prefixed(tokens: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tokens).map(([name, value]) => [`--${name}`, value]));
}

/** Our tokens as variables, and Mantine's own semantic ones said in terms of them. */
export const cssVariablesResolver: CSSVariablesResolver = () => {
  const semantic = {
    '--mantine-color-body': 'var(--page)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--ink-2)',
    '--mantine-color-bright': 'var(--ink)',
    '--mantine-color-placeholder': 'var(--ink-3)',
    '--mantine-color-anchor': 'var(--ink)',
    '--mantine-color-error': 'var(--failed)',
    '--mantine-color-default': 'var(--panel)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-color': 'var(--ink)',
    '--mantine-color-default-border': 'var(--line)',
    '--mantine-color-disabled': 'var(--track)',
    '--mantine-color-disabled-color': 'var(--ink-3)',
    '--mantine-color-disabled-border': 'var(--track)',
    '--mantine-primary-color-filled': 'var(--ink)',
    '--mantine-primary-color-filled-hover': 'var(--ink-2)',
    '--mantine-primary-color-contrast': 'var(--on-ink)',
    '--mantine-primary-color-light': 'var(--sel)',
    '--mantine-primary-color-light-hover': 'var(--sel)',
    '--mantine-primary-color-light-color': 'var(--ink)',
    '--mantine-color-ink-filled': 'var(--ink)',
    '--mantine-color-ink-filled-hover': 'var(--ink-2)',
  };
  return {
    variables: { '--r-cell': '2px', '--r-ctl': '6px', '--r-card': '10px' },
    light: { ...prefixed({ ...lightTokens }), ...semantic },
    dark: { ...prefixed({ ...darkTokens }), ...semantic },
  };
};

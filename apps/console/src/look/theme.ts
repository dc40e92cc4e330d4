import { Button, type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

/** The one accent: water in a deep channel. */
const water: MantineColorsTuple = [
  '#e4f4f6',
  '#cde8ec',
  '#a0d6de',
  '#74c6d2',
  '#55c2d1',
  '#2fa3b3',
  '#158698',
  '#08707f',
  '#065b68',
  '#044752',
]

/** Greys with the tint of the water; Mantine's dark surfaces are made of these. */
const dark: MantineColorsTuple = [
  '#e2eded',
  '#c2d2d4',
  '#98b0b5',
  '#7f989d',
  '#345056',
  '#203a40',
  '#142529',
  '#0e1b1e',
  '#0b1618',
  '#091214',
]
const gray: MantineColorsTuple = [
  '#f1f5f4',
  '#e7eeed',
  '#d6e0df',
  '#c6d3d3',
  '#b3c4c5',
  '#8ba2a6',
  '#647c83',
  '#48626a',
  '#2b454c',
  '#0e2429',
]

const sans =
  '"Segoe UI Variable Text", "Segoe UI", -apple-system, Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif'
const mono = 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace'

export const theme = createTheme({
  primaryColor: 'water',
  primaryShade: { light: 7, dark: 4 },
  colors: { water, dark, gray },
  black: '#0e2429',
  fontFamily: sans,
  fontFamilyMonospace: mono,
  headings: { fontFamily: sans, fontWeight: '650' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '12px', sm: '13.5px', md: '14.5px', lg: '17px', xl: '20px' },
  components: {
    Button: Button.extend({
      // Mantine would write in white on either accent; the one of the dark scheme is light.
      vars: (_, { variant = 'filled' }) => ({
        root: variant === 'filled' ? { '--button-color': 'var(--on-accent)' } : {},
      }),
    }),
  },
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '12px', xl: '18px' },
})

/** Mantine's own names for our colours (see look.css), so that its parts look as ours do. */
export const cssVariables: CSSVariablesResolver = () => {
  const names = {
    '--mantine-color-body': 'var(--page)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--ink-soft)',
    '--mantine-color-placeholder': 'var(--ink-faint)',
    '--mantine-color-default': 'var(--surface)',
    '--mantine-color-default-hover': 'var(--sunken)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-default-color': 'var(--ink)',
    '--mantine-color-error': 'var(--bad)',
    '--mantine-color-anchor': 'var(--accent)',
  }
  return { variables: {}, light: names, dark: names }
}

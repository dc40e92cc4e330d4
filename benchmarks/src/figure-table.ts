import type { Figure } from './figure.ts'

/** Figures as a table for a page: one row a figure, ours first, then what the machine allows, then every peer. */
export function figureTable(figures: readonly Figure[]): string {
  const peers = figures[0]?.peers.map(({ name }) => name) ?? []
  const rows = figures.map((figure) => [
    figure.case.replace(/ \(.*\)$/, ''),
    `**${shown(figure.value)}** ${figure.unit}`,
    shown(figure.rawLimit ?? null),
    ...figure.peers.map(({ value }) => shown(value)),
  ])
  const headings = ['figure', 'millrace', 'raw disk', ...peers]
  const rule = headings.map((_, index) => (index === 0 ? '---' : '---:'))
  return [headings, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function shown(value: number | null): string {
  return value === null ? '-' : String(value)
}

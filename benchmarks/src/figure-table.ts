import type { Figure } from './figure.ts'

/** With more peers than this a table has a row for each of them, instead of a column. */
const PEER_COLUMNS_MAX = 6

/**
 * Figures as tables for a page, one for every run of figures with the same peers: ours first, then what the machine
 * allows, then every peer.
 */
export function figureTable(figures: readonly Figure[]): string {
  const tables: Figure[][] = []
  for (const figure of figures) {
    const last = tables.at(-1)
    if (last !== undefined && column(last[0]) === column(figure)) last.push(figure)
    else tables.push([figure])
  }
  return tables.map(tableOf).join('\n')
}

function tableOf(figures: readonly Figure[]): string {
  const peers = figures[0]?.peers.map(({ name }) => name) ?? []
  const limits = figures[0]?.limits?.map(({ name }) => name) ?? ['raw disk']
  const headings = ['figure', 'millrace', ...limits, ...peers]
  const rows = figures.map((figure) => [
    figure.case.replace(/ \(.*\)$/, ''),
    `**${shown(figure.value)}** ${figure.unit}`,
    ...limitsOf(figure, limits.length).map(shown),
    ...figure.peers.map(({ value }) => shown(value)),
  ])
  const all = [headings, ...rows]
  return markdown(peers.length > PEER_COLUMNS_MAX ? turned(all) : all)
}

function limitsOf({ limits, rawLimit }: Figure, count: number): (number | null)[] {
  const values = limits?.map(({ value }) => value) ?? [rawLimit ?? null]
  return Array.from({ length: count }, (_, index) => values[index] ?? null)
}

function markdown([headings = [], ...rows]: readonly (readonly string[])[]): string {
  const rule = headings.map((_, index) => (index === 0 ? '---' : '---:'))
  return [headings, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function turned(rows: readonly (readonly string[])[]): string[][] {
  return (rows[0] ?? []).map((_, index) => rows.map((row) => row[index] ?? ''))
}

/** Figures with the same text here share a table. */
function column(figure: Figure | undefined): string {
  return JSON.stringify([figure?.peers.map(({ name }) => name), figure?.limits?.map(({ name }) => name)])
}

function shown(value: number | null): string {
  return value === null ? '-' : String(value)
}

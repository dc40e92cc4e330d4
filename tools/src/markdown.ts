import { posix } from 'node:path'

/** A link or picture of a Markdown page. */
export interface Link {
  readonly target: string
  readonly line: number
}

/** A fenced block of code. */
export interface Fence {
  readonly language: string
  /** The line of the first line of code, counted from 1. */
  readonly line: number
  readonly code: string
}

/** What the checks read of a Markdown page. */
export interface Page {
  /** The text after the first `#` heading, up to the next empty line. */
  readonly lead: string
  readonly title: string
  readonly links: readonly Link[]
  /** The ids that a heading gets on GitHub. */
  readonly anchors: ReadonlySet<string>
  readonly fences: readonly Fence[]
  /** The rows (cells as text) of the first table below the `##` heading `name`. */
  tableUnder(name: string): TableRow[] | undefined
}

export interface TableRow {
  readonly line: number
  readonly cells: readonly string[]
}

interface Line {
  readonly number: number
  readonly text: string
}

export function readPage(markdown: string): Page {
  const { prose, fences } = splitFences(markdown)
  const titleAt = prose.findIndex(({ text }) => text.startsWith('# '))
  const afterTitle = prose.slice(titleAt + 1)
  const leadStart = afterTitle.findIndex(({ text }) => text.trim() !== '')
  const leadLength = afterTitle.slice(leadStart).findIndex(({ text }) => text.trim() === '')
  const lead =
    leadStart < 0 ? [] : afterTitle.slice(leadStart, leadLength < 0 ? undefined : leadStart + leadLength)
  return {
    title: prose[titleAt]?.text.slice(2).trim() ?? '',
    lead: lead.map(({ text }) => text).join(' '),
    links: prose.flatMap(linksOf),
    anchors: anchorsOf(prose),
    fences,
    tableUnder: (name) => tableUnder(prose, name),
  }
}

/** The path that a relative link of the page at `path` names, and its `#` part; undefined for other links. */
export function resolveLink(path: string, target: string): { path: string; anchor: string } | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target)) return undefined
  const [file = '', anchor = ''] = decodeURIComponent(target).split('#', 2)
  const folder = file.startsWith('/') ? '.' : posix.dirname(path)
  return { path: file === '' ? path : posix.join(folder, file).replace(/\/$/, ''), anchor }
}

/** Lines inside a fence are not prose: a comment in a script is no heading, and an array of arrays no link. */
function splitFences(markdown: string): { prose: Line[]; fences: Fence[] } {
  const prose: Line[] = []
  const fences: Fence[] = []
  let open: { mark: string; language: string; line: number; code: string[] } | undefined
  markdown.split('\n').forEach((text, index) => {
    const fence = /^\s*(```+|~~~+)\s*([\w-]*)/.exec(text)
    if (open) {
      if (fence?.[1]?.startsWith(open.mark) && !fence[2]) {
        fences.push({ language: open.language, line: open.line, code: open.code.join('\n') })
        open = undefined
      } else open.code.push(text)
    } else if (fence) open = { mark: fence[1] ?? '```', language: fence[2] ?? '', line: index + 2, code: [] }
    else prose.push({ number: index + 1, text })
  })
  return { prose, fences }
}

function linksOf({ number, text }: Line): Link[] {
  const withoutCode = text.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length))
  const patterns = [
    /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g,
    /^\s*\[[^\]]+\]:\s*(\S+)/g,
    /<(?:img|a)\b[^>]*?(?:src|href)="([^"]+)"/g,
  ]
  return patterns.flatMap((pattern) =>
    [...withoutCode.matchAll(pattern)].map((match) => ({ target: match[1] ?? '', line: number })),
  )
}

function anchorsOf(prose: readonly Line[]): Set<string> {
  const anchors = new Set<string>()
  for (const { text } of prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1]
    if (heading !== undefined) {
      const slug = slugOf(heading)
      let unique = slug
      for (let count = 1; anchors.has(unique); count++) unique = `${slug}-${count}`
      anchors.add(unique)
    }
    for (const match of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(match[1] ?? '')
  }
  return anchors
}

function slugOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
  return text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
}

function tableUnder(prose: readonly Line[], name: string): TableRow[] | undefined {
  const start = prose.findIndex(({ text }) => text.trim() === `## ${name}`)
  if (start < 0) return undefined
  const isRow = ({ text }: Line) => text.trim().startsWith('|')
  const section = prose.slice(start + 1)
  const rest = section.slice(section.findIndex(isRow))
  const end = rest.findIndex((line) => !isRow(line))
  const table = rest.slice(0, end < 0 ? undefined : end)
  return table.slice(2).map(({ number, text }) => ({
    line: number,
    cells: text
      .trim()
      .replace(/^\||\|$/g, '')
      .split('|')
      .map((cell) => cell.trim()),
  }))
}

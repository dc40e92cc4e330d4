import { type Comment, type Node, type Program, parseSync, visitorKeys } from 'oxc-parser'

/** How a module is needed: at load, only by the type checker, or when a line is reached. */
export type ImportKind = 'static' | 'type' | 'dynamic'

export interface Import {
  readonly specifier: string
  readonly kind: ImportKind
  readonly line: number
}

/** A parsed TypeScript or JavaScript file. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly program: Program
  readonly comments: readonly Comment[]
  readonly imports: readonly Import[]
  /** The first syntax error, if there is one; then the rest is incomplete. */
  readonly syntaxError?: { readonly message: string; readonly line: number }
  /** The line of a character offset, counted from 1. */
  lineAt(offset: number): number
}

export type { Node }

/** Where a node hangs: the parent, and the name of the parent's field. */
export interface Place {
  readonly parent: Node
  readonly key: string
}

export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text)
  const lineAt = lineFinder(text)
  const program = parsed.program
  const error = parsed.errors[0]
  return {
    path,
    text,
    program,
    comments: parsed.comments,
    imports: importsOf(program, lineAt),
    lineAt,
    ...(error === undefined
      ? {}
      : { syntaxError: { message: error.message, line: lineAt(error.labels[0]?.start ?? 0) } }),
  }
}

/** Visits every node, parents first. */
export function walk(program: Program, visit: (node: Node, place?: Place) => void): void {
  walkNode(program, visit)
}

function walkNode(node: Node, visit: (node: Node, place?: Place) => void, place?: Place): void {
  visit(node, place)
  for (const key of visitorKeys[node.type] ?? []) {
    const child = (node as unknown as Record<string, Node | (Node | null)[] | null | undefined>)[key]
    if (Array.isArray(child)) {
      for (const item of child) if (item) walkNode(item, visit, { parent: node, key })
    } else if (child) walkNode(child, visit, { parent: node, key })
  }
}

/**
 * `import { type A } from 'x'` counts as static: with verbatimModuleSyntax the statement stays, and loads x.
 * Only `import type` and `export type` vanish.
 */
function importsOf(program: Program, lineAt: (offset: number) => number): Import[] {
  const imports: Import[] = []
  walk(program, (node) => {
    const found = importOf(node)
    if (found) imports.push({ ...found, line: lineAt(node.start) })
  })
  return imports
}

function importOf(node: Node): { specifier: string; kind: ImportKind } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      return { specifier: node.source.value, kind: node.importKind === 'type' ? 'type' : 'static' }
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      if (!node.source) return undefined
      return { specifier: node.source.value, kind: node.exportKind === 'type' ? 'type' : 'static' }
    case 'ImportExpression':
      if (node.source.type !== 'Literal' || typeof node.source.value !== 'string') return undefined
      return { specifier: node.source.value, kind: 'dynamic' }
    case 'TSImportType':
      return { specifier: node.source.value, kind: 'type' }
    default:
      return undefined
  }
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

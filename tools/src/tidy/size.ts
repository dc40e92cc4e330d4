import type { Finding } from '../finding.ts'
import { type Node, type Source, walk } from '../source.ts'
import { filesOf, type Workspace } from '../workspace.ts'

const FUNCTION_LINES_MAX = 70
const FILE_LINES_MAX = 500

/** What cannot be read on one screen is not understood as a whole. */
export function checkSize(workspace: Workspace): Finding[] {
  const sources = filesOf(workspace, 'src').map(({ source }) => source)
  const all = filesOf(workspace, 'src', 'test', 'configuration').map(({ source }) => source)
  return [...all.flatMap(longFile), ...sources.flatMap(longFunctions)]
}

function longFile({ path, text }: Source): Finding[] {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  if (lines <= FILE_LINES_MAX) return []
  const wrong = `The file has ${lines} lines, and ${FILE_LINES_MAX} is the limit`
  return [{ path, wrong, cure: 'Split it by its nouns: one file, one noun' }]
}

function longFunctions(source: Source): Finding[] {
  const findings: Finding[] = []
  walk(source.program, (node, place) => {
    if (!isFunction(node)) return
    const line = source.lineAt(node.start)
    const lines = source.lineAt(node.end) - line + 1
    if (lines <= FUNCTION_LINES_MAX || isTableOfTests(source, node)) return
    findings.push({
      path: source.path,
      line,
      wrong: `The function ${nameOf(node, place?.parent)} has ${lines} lines, and ${FUNCTION_LINES_MAX} is the limit`,
      cure: 'Keep the decisions here, and move the steps into functions named after what they do',
    })
  })
  return findings
}

function isFunction(node: Node): boolean {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)
}

/** A conformance suite lists tests; each of them is measured on its own. */
function isTableOfTests(source: Source, node: Node): boolean {
  if (!source.path.startsWith('testing/conformance/')) return false
  return /^\s*(describe|test)[.(]/m.test(source.text.slice(node.start, node.end))
}

function nameOf(node: Node, parent: Node | undefined): string {
  const named = [node, parent].map((each) => {
    if (!each) return undefined
    if ('id' in each && each.id && 'name' in each.id) return each.id.name
    return 'key' in each && each.key && 'name' in each.key ? each.key.name : undefined
  })
  return named.find((name) => name !== undefined)?.toString() ?? 'without a name'
}

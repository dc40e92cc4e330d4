import type { Finding } from '../finding.ts'
import { type Node, type Source, walk } from '../source.ts'
import { filesOf, type Workspace } from '../workspace.ts'

/** What stands beside the tests may wait: a fake server that is slow on purpose, a poll with a limit. */
const TEST_FILE = /\.test\.tsx?$|^testing\/conformance\/src\//

/** Every test runs, and none waits for a time that happened to be long enough. */
export function checkTestHonesty(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src', 'test')
    .filter(({ source }) => TEST_FILE.test(source.path))
    .flatMap(({ source }) => [...silencedTests(source), ...sleeps(source)])
}

function silencedTests(source: Source): Finding[] {
  return collect(source, (node) => {
    if (node.type !== 'MemberExpression' || node.property.type !== 'Identifier') return undefined
    const { name } = node.property
    if (!/^(skip|only|todo)$/.test(name) || !/^(test|it|describe)$/.test(firstName(node))) return undefined
    return name === 'only'
      ? { wrong: '"only" keeps every other test from running', cure: 'Remove it' }
      : { wrong: `"${name}" keeps a test from running`, cure: 'Mend it or delete it' }
  })
}

const SLEEP_CURE =
  'Drive time with manualRuntime, or wait for the condition itself: vi.waitFor, expect.poll, or the promise of the event'

function sleeps(source: Source): Finding[] {
  const imported = source.imports
    .filter(({ specifier }) => /^(node:)?timers\/promises$/.test(specifier))
    .map(({ line }) => ({
      path: source.path,
      line,
      wrong: 'The test sleeps with timers/promises',
      cure: SLEEP_CURE,
    }))
  const written = collect(source, (node) => {
    if (node.type !== 'NewExpression' || node.callee.type !== 'Identifier' || node.callee.name !== 'Promise')
      return undefined
    const executor = node.arguments[0]
    if (executor?.type !== 'ArrowFunctionExpression' && executor?.type !== 'FunctionExpression')
      return undefined
    const resolve = executor.params[0]
    if (resolve?.type !== 'Identifier') return undefined
    const text = source.text.slice(executor.start, executor.end)
    const sleep = new RegExp(`setTimeout\\(\\s*(${resolve.name}\\b|\\(\\) => ${resolve.name}\\(\\))`)
    return sleep.test(text)
      ? { wrong: `The test sleeps: setTimeout(${resolve.name}, …)`, cure: SLEEP_CURE }
      : undefined
  })
  return [...imported, ...written]
}

function collect(
  source: Source,
  look: (node: Node) => { wrong: string; cure: string } | undefined,
): Finding[] {
  const findings: Finding[] = []
  walk(source.program, (node) => {
    const problem = look(node)
    if (problem) findings.push({ path: source.path, line: source.lineAt(node.start), ...problem })
  })
  return findings
}

/** `test` of `test.concurrent.only`. */
function firstName(node: Node): string {
  if (node.type === 'MemberExpression') return firstName(node.object)
  return node.type === 'Identifier' ? node.name : ''
}

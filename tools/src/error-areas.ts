import type { Node, Source } from './source.ts'
import { walk } from './source.ts'
import type { Workspace } from './workspace.ts'

export const ERRORS_FOLDER = 'core/kernel/src/errors'

/** One error as its area file declares it. */
export interface DeclaredError {
  readonly code: string
  readonly line: number
  readonly seen: string
  readonly expected: string
  readonly remedy: string
  readonly retryable: boolean
}

/** One file of the catalogue, such as `bus-errors.ts`. */
export interface ErrorArea {
  readonly name: string
  readonly path: string
  /** The comment of the table: what its errors are about. */
  readonly about: string
  readonly errors: readonly DeclaredError[]
}

/** The catalogue as its sources declare it, so that the page can be made while something else is broken. */
export function readErrorAreas(workspace: Workspace): ErrorArea[] {
  return errorSources(workspace)
    .filter(({ path }) => path.endsWith('-errors.ts'))
    .map((source) => ({
      name: source.path.slice(ERRORS_FOLDER.length + 1, -'-errors.ts'.length),
      path: source.path,
      about:
        source.comments
          .find(({ type, value }) => type === 'Block' && value.startsWith('*'))
          ?.value.slice(1)
          .trim() ?? '',
      errors: declaredErrors(source),
    }))
}

/** The sources below the folder of the catalogue. */
export function errorSources(workspace: Workspace): Source[] {
  return workspace.packages
    .flatMap((each) => each.files.map(({ source }) => source))
    .filter(({ path }) => path.startsWith(`${ERRORS_FOLDER}/`))
}

function declaredErrors(source: Source): DeclaredError[] {
  const errors: DeclaredError[] = []
  walk(source.program, (node) => {
    if (
      node.type !== 'CallExpression' ||
      node.callee.type !== 'Identifier' ||
      node.callee.name !== 'defineErrors'
    )
      return
    for (const [code, entry, line] of fieldsOf(node.arguments[0], source)) {
      const texts = new Map(fieldsOf(entry, source).map(([name, value]) => [name, value]))
      const text = (name: string) => String(literalOf(texts.get(name)) ?? '')
      errors.push({
        code,
        line,
        seen: text('seen'),
        expected: text('expected'),
        remedy: text('remedy'),
        retryable: literalOf(texts.get('retryable')) === true,
      })
    }
  })
  return errors
}

function fieldsOf(node: Node | undefined, source: Source): [name: string, value: Node, line: number][] {
  if (node?.type !== 'ObjectExpression') return []
  return node.properties.flatMap((property): [string, Node, number][] => {
    if (property.type !== 'Property' || property.key.type !== 'Identifier') return []
    return [[property.key.name, property.value, source.lineAt(property.start)]]
  })
}

/** The value of a literal, also of texts joined with `+`. */
function literalOf(node: Node | undefined): unknown {
  if (node?.type === 'Literal') return node.value
  if (node?.type === 'TemplateLiteral') return node.quasis[0]?.value.cooked
  if (node?.type === 'BinaryExpression') return `${literalOf(node.left)}${literalOf(node.right)}`
  return undefined
}

import { isBuiltin } from 'node:module'
import type { Finding } from '../finding.ts'
import { type Node, type Place, type Source, walk } from '../source.ts'
import { filesOf, type Workspace } from '../workspace.ts'

const TIMERS = 'Take it from Runtime: scheduler.at or sleep, so that a test and the simulation can drive it'
const RANDOM = 'Take chance from Runtime, so that a seed repeats it; ids come from newId and derivedId'
const PORT = 'Declare a port for what is needed, and let an adapter implement it'

/** What core may not touch, and what it takes instead. */
const BANNED: Readonly<Record<string, string>> = {
  Date: 'Take the time from Clock, in milliseconds since 1970; formatTime and parseTime of the kernel turn it into text',
  performance: 'Take the time from Clock',
  setTimeout: TIMERS,
  setInterval: TIMERS,
  setImmediate: TIMERS,
  clearTimeout: 'Call the Cancel that the scheduler returned',
  clearInterval: 'Call the Cancel that the scheduler returned',
  'Math.random': RANDOM,
  crypto: `${RANDOM}; checksums are crc32c of the kernel`,
  process: 'Take the setting as a parameter; apps read the environment',
  Buffer: 'Use Uint8Array, TextEncoder and TextDecoder; encodeBase64 and decodeBase64 are in the kernel',
  fetch: PORT,
  console: 'Return the fact or count it; apps print and log',
}

/** The place that turns time into text, and the one that knows dates as values of documents; neither asks for the time. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'core/kernel/src/time.ts': ['Date'],
  'core/documents/src/date-type.ts': ['Date'],
}

/** Core thinks, and touches nothing: that is why one seed replays the whole backbone. */
export function checkPurity(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src')
    .filter(({ owner }) => owner.folder.startsWith('core/'))
    .flatMap(({ source }) => [...builtinImports(source), ...bannedGlobals(source)])
}

function builtinImports(source: Source): Finding[] {
  return source.imports
    .filter(({ specifier }) => isBuiltin(specifier))
    .map(({ specifier, line }) => ({
      path: source.path,
      line,
      wrong: `Core imports ${specifier}, but core touches no file, socket or process`,
      cure: PORT,
    }))
}

function bannedGlobals(source: Source): Finding[] {
  const exceptions = EXCEPTIONS[source.path] ?? []
  const uses: { readonly name: string; readonly line: number }[] = []
  const declared = new Set<string>()
  walk(source.program, (node, place) => {
    if (isDeclaration(node, place)) declared.add(node.name)
    const name = globalName(node, place)
    if (name !== undefined && BANNED[name] !== undefined && !exceptions.includes(name)) {
      uses.push({ name, line: source.lineAt(node.start) })
    }
  })
  return uses
    .filter(({ name }) => !declared.has(name))
    .map(({ name, line }) => ({
      path: source.path,
      line,
      wrong: `Core uses ${name}`,
      cure: BANNED[name] ?? PORT,
    }))
}

type Identifier = Extract<Node, { type: 'Identifier' }>

/** A name that the file gives to something of its own, such as a parameter called `process`. */
function isDeclaration(node: Node, place: Place | undefined): node is Identifier {
  if (node.type !== 'Identifier' || !place) return false
  if (place.key === 'id' || place.key === 'params' || place.key === 'local') return true
  return place.parent.type === 'Property' && place.key === 'value'
}

/** The global that a node stands for: `Date`, `Math.random`, and `Date` of `globalThis.Date`. */
function globalName(node: Node, place: Place | undefined): string | undefined {
  if (node.type === 'Identifier') return isField(place) ? undefined : node.name
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier' || node.computed) return undefined
  if (node.property.type !== 'Identifier') return undefined
  if (node.object.name === 'globalThis') return node.property.name
  return node.object.name === 'Math' ? `Math.${node.property.name}` : undefined
}

function isField(place: Place | undefined): boolean {
  if (!place) return false
  const { parent, key } = place
  if (key === 'imported' || key === 'exported' || key === 'label') return true
  return (key === 'property' || key === 'key') && !('computed' in parent && parent.computed)
}

import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { type Source, walk } from '../source.ts'
import { filesOf, type Workspace } from '../workspace.ts'

const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.\w+$/
/** Words that say nothing about what is inside. */
const EMPTY_WORDS = /(^|[-.])(utils?|helpers?|common|misc|managers?|service|impl|base)(?=[-.])/
/** Their frameworks and `millrace dev` take the default export. */
const DEFAULT_EXPORTS = /^(apps\/console|examples\/[\w-]+)\//

/** One file, one noun; and a name is exported under that name, from one place. */
export function checkNames(workspace: Workspace): Finding[] {
  const files = filesOf(workspace, 'src', 'test').map(({ source }) => source)
  const sources = filesOf(workspace, 'src').map(({ source }) => source)
  return [...files.flatMap(checkFileName), ...sources.flatMap(checkExports)]
}

function checkFileName({ path }: Source): Finding[] {
  const name = posix.basename(path)
  const cure = 'Name the file after its one noun'
  if (!FILE_NAME.test(name))
    return [{ path, wrong: `${name} is not in kebab-case`, cure: 'Write it in small letters with hyphens' }]
  const word = EMPTY_WORDS.exec(name)?.[2]
  return word === undefined ? [] : [{ path, wrong: `"${word}" says nothing about what is inside`, cure }]
}

function checkExports(source: Source): Finding[] {
  const findings: Finding[] = []
  walk(source.program, (node) => {
    const place = { path: source.path, line: source.lineAt(node.start) }
    if (node.type === 'ExportAllDeclaration') {
      findings.push({ ...place, wrong: '"export *" hides what is exported', cure: 'List the names' })
    }
    if (node.type === 'ExportDefaultDeclaration' && !DEFAULT_EXPORTS.test(source.path)) {
      findings.push({ ...place, wrong: 'A default export has no name', cure: 'Export it by name' })
    }
  })
  return findings
}

import type { Finding } from '../finding.ts'
import { filesOf, type Workspace } from '../workspace.ts'

/** A file that does not parse cannot be checked, so it must not pass. */
export function checkSyntax(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src', 'test', 'configuration').flatMap(({ source }) => {
    if (!source.syntaxError) return []
    const { line, message } = source.syntaxError
    return [
      { path: source.path, line, wrong: `The file does not parse: ${message}`, cure: 'Mend the syntax' },
    ]
  })
}

import type { Finding } from '../finding.ts'
import { walk } from '../source.ts'
import { filesOf, type Workspace } from '../workspace.ts'

const PLAIN_ERRORS = new Set(['Error', 'TypeError', 'RangeError'])

/** What can be expected to fail has a code, so that it can be told, documented and handled. */
export function checkFailures(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src')
    .filter(({ owner }) => /^(core|adapters|apps)\//.test(owner.folder))
    .flatMap(({ source }) => {
      const findings: Finding[] = []
      walk(source.program, (node) => {
        if (node.type !== 'ThrowStatement' || node.argument.type !== 'NewExpression') return
        const { callee } = node.argument
        if (callee.type !== 'Identifier' || !PLAIN_ERRORS.has(callee.name)) return
        findings.push({
          path: source.path,
          line: source.lineAt(node.start),
          wrong: `"throw new ${callee.name}" gives the caller nothing to act on`,
          cure:
            'Throw millraceError(CODE, …) with an entry of the catalogue in core/kernel/src/errors, ' +
            'or call assert if only a mistake of ours can lead here',
        })
      })
      return findings
    })
}

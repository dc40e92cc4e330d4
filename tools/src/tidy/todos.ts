import type { Finding } from '../finding.ts'
import { filesOf, type Workspace } from '../workspace.ts'

const MARK = /\b(TODO|FIXME|XXX)\b(?!\([\w-]+\):)/

/** A wish without an owner is never granted. */
export function checkTodos(workspace: Workspace): Finding[] {
  return filesOf(workspace, 'src', 'test', 'configuration').flatMap(({ source }) =>
    source.comments.flatMap((comment) => {
      const mark = MARK.exec(comment.value)
      if (!mark) return []
      return [
        {
          path: source.path,
          line: source.lineAt(comment.start + 2 + mark.index),
          wrong: `${mark[1]} has no owner`,
          cure: `Do it now, open an issue instead, or write "${mark[1]}(name): …"`,
        },
      ]
    }),
  )
}

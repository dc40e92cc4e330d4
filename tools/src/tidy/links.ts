import type { Finding } from '../finding.ts'
import { readPage, resolveLink } from '../markdown.ts'
import type { Workspace } from '../workspace.ts'

/** Every relative link of every Markdown page leads somewhere, down to the heading. */
export function checkLinks({ tree }: Workspace): Finding[] {
  return tree.paths
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      readPage(tree.read(path)).links.flatMap(({ target, line }): Finding[] => {
        const link = resolveLink(path, target)
        if (!link) return []
        if (!tree.has(link.path)) {
          return [
            {
              path,
              line,
              wrong: `The link ${target} leads to ${link.path}, which does not exist`,
              cure: 'Correct the path',
            },
          ]
        }
        if (link.anchor === '' || !link.path.endsWith('.md')) return []
        if (readPage(tree.read(link.path)).anchors.has(link.anchor)) return []
        const wrong = `The link ${target} leads to a heading that ${link.path} does not have`
        return [{ path, line, wrong, cure: 'Correct the part after #' }]
      }),
    )
}

import type { Finding } from '../finding.ts'
import type { Workspace } from '../workspace.ts'

const TEXT = /(\.(ts|tsx|mts|js|mjs|json|jsonc|md|yml|yaml|html|css|sh|scc|txt|svg)|\/run|\.npmrc)$/
const MACHINE_PATH = /(?<![\w.\-/:@}])\/(?:work|home|root|tmp|Users)\/[\w.-]+/
const REGISTRY = /^(@[\w-]+:)?registry\s*=/

/** What is true on one machine only does not belong into the repository. */
export function checkPlaces({ tree }: Workspace): Finding[] {
  return tree.paths
    .filter((path) => TEXT.test(path))
    .flatMap((path) =>
      tree
        .read(path)
        .split('\n')
        .flatMap((text, index): Finding[] => {
          const place = { path, line: index + 1 }
          const machinePath = MACHINE_PATH.exec(text)?.[0]
          if (machinePath !== undefined) {
            const wrong = `${machinePath} is a path of one machine`
            return [
              { ...place, wrong, cure: 'Use a path relative to the repository, or os.tmpdir() in a test' },
            ]
          }
          if (!path.endsWith('.npmrc') || !REGISTRY.test(text)) return []
          return [
            { ...place, wrong: 'A package registry is named', cure: 'Remove it: each machine has its own' },
          ]
        }),
    )
}

import type { Finding } from '../finding.ts'
import { readJson, type Workspace } from '../workspace.ts'

const PATH = 'package-lock.json'

interface LockedPackage {
  readonly resolved?: string
  readonly link?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** `npm ci` works from this lock file, on every platform and against every registry. */
export function checkLock({ tree }: Workspace): Finding[] {
  if (!tree.has(PATH)) return []
  const { packages } = readJson<{ packages: Readonly<Record<string, LockedPackage>> }>(tree, PATH)
  return Object.entries(packages).flatMap(([place, locked]) => [
    ...missingNames(packages, place, locked).map((name) => ({
      path: PATH,
      wrong: `${name}, which ${place || 'the workspace'} asks for, is not locked, so "npm ci" refuses`,
      cure: 'Write the lock file against a registry that has it, or take a version whose parts for all platforms exist',
    })),
    ...(locked.link !== true && /^https?:/.test(locked.resolved ?? '')
      ? [
          {
            path: PATH,
            wrong: `${place} is bound to the registry of one machine`,
            cure: 'Lock with "npm install --omit-lockfile-registry-resolved"',
          },
        ]
      : []),
  ])
}

function missingNames(
  packages: Readonly<Record<string, LockedPackage>>,
  place: string,
  locked: LockedPackage,
): string[] {
  const names = Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
  return names.filter(
    (name) => !foldersAbove(place).some((folder) => packages[`${folder}node_modules/${name}`]),
  )
}

/** Where Node looks for what the package at `place` imports: `a/node_modules/b` looks in itself, in `a`, and at the top. */
function foldersAbove(place: string): string[] {
  const parts = place === '' ? [] : place.split('/')
  return [...parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`), '']
}

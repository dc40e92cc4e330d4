import type { Package, Workspace } from '../workspace.ts'

/** What can be published, and what cannot although it is not private. */
export interface Publishable {
  /** Dependencies come before their dependants. */
  readonly packages: readonly Package[]
  /** A package, and the private one that it needs. */
  readonly held: readonly { readonly name: string; readonly needs: string }[]
}

/**
 * The packages that `names` ask for (none: all that can be published) with the siblings they need, since npm installs them
 * only together. A package that needs a private sibling is held back.
 *
 * @throws an error for people if a name is unknown, private, or held back
 */
export function publishable(workspace: Workspace, names: readonly string[] = []): Publishable {
  const open = workspace.packages.filter(isOpen)
  const held = open.flatMap((each) => {
    const needs = withSiblings(workspace, each).find((sibling) => !isOpen(sibling))
    return needs === undefined ? [] : [{ name: each.manifest.name, needs: needs.manifest.name }]
  })
  const free = open.filter(({ manifest }) => !held.some(({ name }) => name === manifest.name))
  for (const name of names) {
    if (free.some(({ manifest }) => manifest.name === name)) continue
    const needs = held.find((each) => each.name === name)?.needs
    const reason = needs === undefined ? 'it is private or unknown' : `it needs ${needs}, which is private`
    throw new Error(
      `${name} cannot be packed: ${reason}. Choose from ${free.map((each) => each.manifest.name).join(', ')}.`,
    )
  }
  const asked = names.length === 0 ? free : free.filter(({ manifest }) => names.includes(manifest.name))
  return { packages: [...new Set(asked.flatMap((each) => withSiblings(workspace, each)))], held }
}

/** A private package cannot be published as it stands; with `publishConfig` it says that what is built of it can. */
function isOpen({ manifest }: Package): boolean {
  return manifest.private !== true || manifest.publishConfig !== undefined
}

/** A package behind everything of this repository that it needs. */
function withSiblings(workspace: Workspace, owner: Package): Package[] {
  const found = new Set<Package>()
  const visit = (each: Package) => {
    if (found.has(each)) return
    for (const name of Object.keys(each.manifest.dependencies ?? {})) {
      const sibling = workspace.packageNamed(name)
      if (sibling) visit(sibling)
    }
    found.add(each)
  }
  visit(owner)
  return [...found]
}

import { millraceError, unreachable } from '@millrace/kernel'
import type { AnyCollection, Identified } from './collection.ts'
import type { CollectionOptions, IndexOptions } from './collection-options.ts'
import { filterOf } from './filter-builder.ts'
import { followPath } from './known-shape.ts'
import { pathOf } from './property-path.ts'
import type { Serializer } from './serializer.ts'
import type { CollectionSchema, IndexSchema } from './store-schema.ts'

/** What engines have to know of a collection, from what its declaration says. */
export function declaredCollection<Document extends Identified>(
  name: string,
  options: CollectionOptions<Document>,
  serializer: Serializer,
): CollectionSchema {
  const { softDelete = false, indexes = [], references = [], fullText = [] } = options
  return {
    name,
    softDelete,
    indexes: indexes.map((index) => declaredIndex(name, index, serializer)),
    references: references.map(({ property, to }) => ({
      path: pathOf(property),
      collection: typeof to === 'string' ? to : to.name,
    })),
    fullText: fullText.map((property) => pathOf(property)),
  }
}

/**
 * Throws `SCHEMA_INVALID` for a declared property that the schema is known not to have. Not part of the declaration: a
 * schema may refer to others that are declared after it.
 */
export function checkDeclaredProperties({ declared, shape }: AnyCollection): void {
  const paths = [
    ...declared.indexes.flatMap((index) => pathsOf(index)),
    ...declared.references.map(({ path }) => path),
    ...declared.fullText,
  ]
  for (const path of paths) {
    const finding = followPath(shape, path)
    if (finding.kind === 'known') continue
    const seen = `the property "${finding.name}" in the path ${JSON.stringify(path)}`
    const expected = `one of: ${finding.names.join(', ')}`
    throw millraceError('SCHEMA_INVALID', { name: declared.name, seen, expected })
  }
}

function pathsOf(index: IndexSchema): readonly (readonly string[])[] {
  switch (index.kind) {
    case 'property':
      return index.paths
    case 'column':
      return [index.path]
    case 'containment':
      return []
    default:
      return unreachable(index)
  }
}

function declaredIndex<Document extends Identified>(
  collection: string,
  index: IndexOptions<Document>,
  serializer: Serializer,
): IndexSchema {
  switch (index.kind) {
    case 'property': {
      const paths = index.properties.map((property) => pathOf(property))
      const scope = { declared: { name: collection }, serializer, shape: undefined }
      return {
        kind: 'property',
        name: index.name ?? nameOf('by', paths),
        paths,
        unique: index.unique ?? false,
        ...(index.where === undefined ? {} : { where: filterOf(index.where, scope) }),
      }
    }
    case 'column': {
      const path = pathOf(index.property)
      const { type, unique = false } = index
      return { kind: 'column', name: index.name ?? nameOf('column', [path]), path, type, unique }
    }
    case 'containment':
      return { kind: 'containment', name: index.name ?? 'containment' }
    default:
      return unreachable(index)
  }
}

/** `by-zone-last-celsius`; what a name cannot have becomes a hyphen. */
function nameOf(kind: string, paths: readonly (readonly string[])[]): string {
  return [kind, ...paths.flat()].join('-').replaceAll(/[^a-zA-Z0-9_-]/g, '-')
}

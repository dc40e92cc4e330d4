import type { StoreSchema } from '@millrace/documents'
import { type EventType, unreachable } from '@millrace/kernel'
import type { CustomProjection } from './custom-projection.ts'
import type { Projection } from './projection.ts'
import type { RowProjection } from './row-projection.ts'

/** A projection of whatever kind. */
export type AnyProjection = Projection | RowProjection | CustomProjection

/** The event types that it takes, each once by its name. */
export function typesOf(projection: AnyProjection): readonly EventType[] {
  const types =
    projection.kind === 'custom-projection'
      ? projection.options.types
      : projection.cases.map(({ type }) => type)
  return [...new Map(types.map((each) => [each.type, each])).values()]
}

/** The number of its functions' shape. */
export function versionOf(projection: AnyProjection): number {
  return projection.kind === 'projection' ? (projection.options.version ?? 1) : projection.version
}

/** The collection that is filled while the old documents are still served. */
export function shadowOf(collection: string): string {
  return `${collection}--rebuild`
}

/** What has to exist before it runs. */
export function schemaOf(projection: AnyProjection): StoreSchema {
  switch (projection.kind) {
    case 'projection': {
      const { declared } = projection.collection
      return { collections: [declared, { ...declared, name: shadowOf(declared.name) }] }
    }
    case 'row-projection':
      return { collections: [], tables: [projection.table] }
    case 'custom-projection': {
      const { collections = [], tables = [] } = projection.options
      return { collections, tables }
    }
    default:
      return unreachable(projection)
  }
}

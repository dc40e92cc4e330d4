import type { StoreSchema } from '@millrace/documents'
import { LEASES } from '@millrace/event-store'
import { type AnyProjection, schemaOf } from './any-projection.ts'
import { DEAD_LETTERS } from './dead-letter.ts'
import { PROJECTIONS } from './projection-record.ts'

/** What the database has to hold for a daemon that runs these projections: for those who prepare databases by hand. */
export function daemonSchema(projections: readonly AnyProjection[]): StoreSchema {
  const schemas = projections.map(schemaOf)
  return {
    collections: [
      { name: LEASES },
      { name: PROJECTIONS },
      DEAD_LETTERS,
      ...schemas.flatMap(({ collections }) => collections),
    ],
    tables: schemas.flatMap(({ tables = [] }) => tables),
  }
}

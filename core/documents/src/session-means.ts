import type { Runtime } from '@millrace/kernel'
import type { AnyCollection } from './collection.ts'
import type { CommitOptions, Database } from './database.ts'
import type { SaveHook } from './save-hook.ts'

/** What a session gets from its store. */
export interface SessionMeans {
  readonly database: Database
  readonly runtime: Runtime
  /** The `source` of drafts. */
  readonly source: string
  /** Tenant and ids of everything that the session writes. */
  readonly unit: CommitOptions
  readonly hooks: readonly SaveHook[]
  /**
   * The tenant whose documents of a collection the session sees and writes; undefined: nobody's.
   *
   * @throws COLLECTION_UNKNOWN, TENANT_MISSING
   */
  readonly tenantOf: (collection: AnyCollection) => string | undefined
}

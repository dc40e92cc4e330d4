import type { Database } from '@millrace/documents'
import type { Upcasters } from '@millrace/event-store'
import { unreachable } from '@millrace/kernel'
import { type AnyProjection, shadowOf } from './any-projection.ts'
import { CustomWork } from './custom-work.ts'
import { DocumentWork } from './document-work.ts'
import type { FullErrorPolicy } from './error-policy.ts'
import type { StagingLimits } from './page-buffer.ts'
import type { PageWork } from './page-work.ts'
import type { Slot } from './projection-record.ts'
import type { FullSettings } from './projection-settings.ts'
import { RowWork } from './row-work.ts'
import type { Shard } from './shard.ts'

/** What one shard has to do: whose events, from which position, into which documents, and how strictly. */
export interface ShardJob {
  readonly projection: AnyProjection
  readonly settings: FullSettings
  readonly slot: Slot
  readonly shard: Shard
  /** `beside`: into the shadow. */
  readonly mode: 'continuous' | 'rebuild-in-place' | 'rebuild-beside'
  /** Of the rebuild that it is part of; 0 otherwise. */
  readonly rebuild: number
}

/** Tells jobs apart; one that changes is another job. */
export function jobIdOf({ slot, shard, mode, rebuild }: ShardJob): string {
  return `${mode}/${rebuild}/${slot}/${shard.index}of${shard.count}`
}

/** What is done about errors in this job. */
export function policyOf({ settings, mode }: ShardJob): FullErrorPolicy {
  return mode === 'continuous' ? settings.errors : settings.rebuildErrors
}

/** How far the job fetches ahead. */
export function stagingOf({ settings, mode }: ShardJob): StagingLimits {
  return mode === 'continuous' ? settings.staging : settings.rebuildStaging
}

/** The work that makes units of the job's events. */
export function workOf(
  { projection, shard, mode, settings }: ShardJob,
  { database, upcasters }: { readonly database: Database; readonly upcasters: Upcasters | undefined },
): PageWork {
  switch (projection.kind) {
    case 'projection': {
      const { name } = projection.collection
      const target = mode === 'rebuild-beside' ? shadowOf(name) : name
      const isLoose = mode !== 'continuous' && settings.rebuildChecks === 'every-unit'
      return new DocumentWork(projection, {
        database,
        target,
        shard,
        upcasters,
        checks: isLoose ? 'unit' : 'event',
      })
    }
    case 'row-projection':
      return new RowWork(projection, { shard, upcasters })
    case 'custom-projection':
      return new CustomWork(projection, { database, upcasters })
    default:
      return unreachable(projection)
  }
}

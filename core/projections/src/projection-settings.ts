import { documentLimits } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import { type AnyProjection, typesOf, versionOf } from './any-projection.ts'
import {
  checkNumber,
  checkWhole,
  type ErrorPolicy,
  errorPolicyOf,
  type FullErrorPolicy,
} from './error-policy.ts'
import type { StagingLimits } from './page-buffer.ts'
import { SHARDS_MAX } from './shard.ts'

/** How a projection runs in the background; its description says nothing about that. */
export interface ProjectionSettings {
  /**
   * Parts that are worked on side by side, by the hash of the key; each can run on another node. A custom projection has
   * one. A new number takes effect with the next rebuild. Default: 1.
   */
  readonly shards?: number
  /** What is done about errors in continuous running. Default: events are skipped, a failing database is waited for. */
  readonly errors?: ErrorPolicy
  /** The same for rebuilds. Default: an event that fails stops the rebuild, a failing database is waited for. */
  readonly rebuildErrors?: ErrorPolicy
  /** Events fetched and not committed: fetching pauses at `pauseAt`, and goes on at `resumeAt`. Default: 1,000 and 500. */
  readonly staging?: StagingLimits
  /** The same for rebuilds, where larger units are worth more. Default: 10,000 and 5,000. */
  readonly rebuildStaging?: StagingLimits
  /** Least time from one page that is not full to the next, in milliseconds. Default: 20. */
  readonly lingerMs?: number
  /** Longest wait for a hint that there are events, in milliseconds. Default: 1,000. */
  readonly pollMs?: number
  /** How long a node may be silent before another one takes its shards, in milliseconds. Default: 10,000. */
  readonly leaseMs?: number
  /**
   * In a rebuild, when documents are held against their schema. `every-event`: as in continuous running. `every-unit`:
   * only what is stored; quicker, and a state that is wrong for a moment passes. Default: 'every-event'.
   */
  readonly rebuildChecks?: 'every-event' | 'every-unit'
}

/** Settings with every choice made. */
export interface FullSettings {
  readonly shards: number
  readonly errors: FullErrorPolicy
  readonly rebuildErrors: FullErrorPolicy
  readonly staging: StagingLimits
  readonly rebuildStaging: StagingLimits
  readonly lingerMs: number
  readonly pollMs: number
  readonly leaseMs: number
  readonly rebuildChecks: 'every-event' | 'every-unit'
}

/** Events staged at most, whatever is set. */
const STAGED_EVENTS_MAX = 100_000
/** Longest time of any of the waits, in milliseconds: an hour. */
const WAIT_MS_MAX = 3_600_000

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Fills in the defaults. @throws CONFIGURATION_INVALID naming the setting */
export function settingsOf(projection: AnyProjection, chosen: ProjectionSettings): FullSettings {
  const path = `projections.${projection.name}`
  checkDescription(projection, path)
  const isPure = projection.kind !== 'custom-projection'
  const settings: FullSettings = {
    shards: chosen.shards ?? 1,
    errors: errorPolicyOf({ path: `${path}.errors`, mode: 'continuous', isPure }, chosen.errors),
    rebuildErrors: errorPolicyOf(
      { path: `${path}.rebuildErrors`, mode: 'rebuild', isPure },
      chosen.rebuildErrors,
    ),
    staging: chosen.staging ?? { pauseAt: 1_000, resumeAt: 500 },
    rebuildStaging: chosen.rebuildStaging ?? { pauseAt: 10_000, resumeAt: 5_000 },
    lingerMs: chosen.lingerMs ?? 20,
    pollMs: chosen.pollMs ?? 1_000,
    leaseMs: chosen.leaseMs ?? 10_000,
    rebuildChecks: chosen.rebuildChecks ?? 'every-event',
  }
  checkWhole(`${path}.shards`, settings.shards, 1, isPure ? SHARDS_MAX : 1)
  for (const name of ['staging', 'rebuildStaging'] as const) {
    const { pauseAt, resumeAt } = settings[name]
    checkWhole(`${path}.${name}.pauseAt`, pauseAt, 1, STAGED_EVENTS_MAX)
    checkWhole(`${path}.${name}.resumeAt`, resumeAt, 0, pauseAt - 1)
  }
  checkNumber(`${path}.lingerMs`, settings.lingerMs, 0, WAIT_MS_MAX)
  checkNumber(`${path}.pollMs`, settings.pollMs, 1, WAIT_MS_MAX)
  checkNumber(`${path}.leaseMs`, settings.leaseMs, 100, WAIT_MS_MAX)
  return settings
}

function checkDescription(projection: AnyProjection, path: string): void {
  const refuse = (setting: string, seen: string, expected: string) => {
    throw millraceError('CONFIGURATION_INVALID', { path: setting, seen, expected })
  }
  const { name } = projection
  if (!NAME.test(name)) refuse(path, JSON.stringify(name), '1 to 100 of a-z, A-Z, 0-9, ".", "_" and "-"')
  const types = typesOf(projection).length
  if (types === 0 || types > documentLimits.feedTypesMax) {
    refuse(path, `${types} event types`, `1 to ${documentLimits.feedTypesMax} of them`)
  }
  checkWhole(`${path}.version`, versionOf(projection), 1, Number.MAX_SAFE_INTEGER)
}

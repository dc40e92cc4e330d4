import type { MemoryChanges } from './memory-changes.ts'

/** What every part of a unit knows of it. */
export interface MemoryUnit {
  readonly changes: MemoryChanges
  readonly atMs: number
  readonly correlationId: string | undefined
  readonly causationId: string | undefined
}

/** What a unit leaves on each document and event that it writes. */
export function marksOf({ correlationId, causationId }: MemoryUnit) {
  return {
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(causationId === undefined ? {} : { causationId }),
  }
}

/** A key for a name of a tenant. Neither has zero characters. */
export function tenantKey(tenant: string, name: string): string {
  return `${tenant}\0${name}`
}

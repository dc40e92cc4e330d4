import { collection, type Database, openStore, type Store, type StoreOptions } from '@millrace/documents'
import { isMillraceError, type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import * as z from 'zod'

/** A document with everything that a property can be. */
export const benchSchema = z.object({
  id: z.string(),
  zone: z.string(),
  celsius: z.number(),
  isOpen: z.boolean().default(false),
  mode: z.enum(['auto', 'manual']).default('auto'),
  plantedAt: z.date().optional(),
  liters: z.bigint().optional(),
  last: z.object({ celsius: z.number(), note: z.string().nullable() }).optional(),
  tags: z.array(z.string()).default([]),
  alarms: z.array(z.object({ level: z.number(), text: z.string(), at: z.date().optional() })).default([]),
  readings: z.record(z.string(), z.number()).default({}),
})

export type Bench = z.output<typeof benchSchema>

export const Benches = collection('benches', benchSchema, {
  softDelete: true,
  fullText: ['zone', 'tags'],
  indexes: [{ kind: 'property', properties: ['zone'] }],
})

export const Vents = collection('vents', z.object({ id: z.number(), bench: z.string(), percent: z.number() }))

export const Rooms = collection('rooms', z.object({ id: z.string(), name: z.string() }), {
  tenancy: 'column',
})

export interface Greenhouse {
  readonly store: Store
  readonly database: Database
  readonly runtime: ManualRuntime
}

/** A store of its own for a test. */
export async function openGreenhouse(options: Partial<StoreOptions> = {}): Promise<Greenhouse> {
  const runtime = manualRuntime()
  const database = memoryDatabase({ clock: runtime.clock })
  const collections = [Benches, Vents, Rooms]
  return { database, runtime, store: await openStore({ database, runtime, collections, ...options }) }
}

export function bench(id: string, more: Partial<Bench> = {}): Bench {
  return benchSchema.parse({ id, zone: 'north', celsius: 20, ...more })
}

/** Stores benches in one unit. */
export async function plant(store: Store, ...benches: readonly Bench[]): Promise<void> {
  await using session = store.session()
  for (const each of benches) session.store(Benches, each)
  await session.saveChanges()
}

export const idsOf = (found: readonly { readonly id: string | number }[]) => found.map(({ id }) => id)

/** The code of the error that comes, or 'no error'. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof work === 'function' ? work() : work)
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? error.code : error
  }
}

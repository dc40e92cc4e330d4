import type { StoreSchema } from '@millrace/documents'
import { LEASES } from './lease-note.ts'
import { REFUSALS } from './refusal.ts'
import { RELAYS } from './relay-note.ts'

/** What the database has to hold for a relay: for those who prepare databases by hand. */
export const RELAY_SCHEMA: StoreSchema = {
  collections: [{ name: RELAYS }, { name: REFUSALS }, { name: LEASES }],
}

import type { StorePlan } from '../store-plan.ts'
import { emmettPlan } from './emmett.ts'
import { millracePlans } from './millrace.ts'
import { plainInsertsPlan } from './plain-inserts.ts'
import { rawPostgresPlan } from './raw-postgres.ts'
import { rawSqlitePlan } from './raw-sqlite.ts'

/** Everybody who takes part. A new one is one line here. */
export function storePlans(): readonly StorePlan[] {
  return [...millracePlans(), rawSqlitePlan(), rawPostgresPlan(), emmettPlan(), plainInsertsPlan()]
}

export function findPlan(id: string): StorePlan {
  const plan = storePlans().find((each) => each.id === id)
  if (plan === undefined) throw new Error(`there is no contender ${id}`)
  return plan
}

import type { MissingPlan, StorePlan } from '../store.ts'
import { classicLevelPlans } from './classic-level.ts'
import { lmdbPlans } from './lmdb.ts'
import { millracePlans } from './millrace.ts'
import { natsPlans } from './nats.ts'
import { rawPlans } from './raw-file.ts'
import { redisPlans } from './redis.ts'
import { betterSqlitePlans, nodeSqlitePlans } from './sqlite.ts'

/** Everybody whom the log is measured against, by the name that `--peer` takes. A new one is one line here. */
const PEERS: Readonly<Record<string, () => readonly (StorePlan | MissingPlan)[]>> = {
  'node:sqlite': nodeSqlitePlans,
  'better-sqlite3': betterSqlitePlans,
  lmdb: lmdbPlans,
  'classic-level': classicLevelPlans,
  redis: redisPlans,
  nats: natsPlans,
}

const SOURCES = { millrace: millracePlans, raw: rawPlans, ...PEERS }

export const PEER_NAMES: readonly string[] = Object.keys(PEERS)

/** The plans of the named peers. */
export function peerPlans(names: readonly string[]): (StorePlan | MissingPlan)[] {
  return names.flatMap((name) => {
    const plans = PEERS[name]
    if (plans === undefined) throw new Error(`--peer is ${name}, expected one of ${PEER_NAMES.join(', ')}`)
    return plans()
  })
}

/** The plan with an id. */
export function findPlan(id: string): StorePlan {
  const source = id.slice(0, id.lastIndexOf('/')) as keyof typeof SOURCES
  const plan = SOURCES[source]?.().find((each): each is StorePlan => 'id' in each && each.id === id)
  if (plan === undefined) throw new Error(`there is no store ${id}`)
  return plan
}

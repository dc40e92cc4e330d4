import { useQuery } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { Api } from '../api/client.ts'
import { useConsole } from '../console-context.ts'
import { DEVICES_MAX, type FleetStore } from '../live/fleet-store.ts'

/** The most that one request may ask for. */
const PAGE = 1_000
/** Fleets up to this size get the last minutes of their sparklines from the topics; larger ones draw them from now on. */
const SEEDED_DEVICES_MAX = 500
/** Partitions whose newest messages are read for that. */
const SEEDED_PARTITIONS_MAX = 4

/** Loads the list of devices into the fleet store; from then on the live feed keeps it up to date. */
export function useFleetLoad() {
  const { api, live } = useConsole()
  return useQuery({
    queryKey: ['fleet'],
    queryFn: async ({ signal }) => {
      const known = await loadDevices(api, live.fleet, signal)
      if (known <= SEEDED_DEVICES_MAX) await seedSparks(api, live.fleet, signal).catch(() => undefined)
      return known
    },
    // The live feed brings changes; this only mends what it may have missed.
    staleTime: 60_000,
    refetchInterval: 120_000,
  })
}

/** Page by page; the first is shown while the others are on their way. */
async function loadDevices(api: Api, fleet: FleetStore, signal: AbortSignal): Promise<number> {
  const all = []
  let after: string | undefined
  do {
    const page = await api.devices({ after, limit: PAGE }, { signal })
    fleet.load(page.devices, false)
    all.push(...page.devices)
    after = page.next
  } while (after !== undefined && all.length <= DEVICES_MAX)
  fleet.load(all, true)
  return all.length
}

/** Nice to have: a fleet without a past is shown without a past. */
async function seedSparks(api: Api, fleet: FleetStore, signal: AbortSignal): Promise<void> {
  const { topics } = await api.topics({ signal })
  const partitions = topics
    .filter((topic) => !topic.system && topic.messages > 0)
    .sort((a, b) => b.messages - a.messages)
    .flatMap((topic) => topic.partitions.map(({ partition }) => ({ topic: topic.name, partition })))
  for (const { topic, partition } of partitions.slice(0, SEEDED_PARTITIONS_MAX)) {
    fleet.seed((await api.messages(topic, { partition, from: -PAGE, limit: PAGE }, { signal })).messages)
  }
}

/** The ids of all devices; new when the list, somebody's presence or pending commands have changed. */
export function useFleetIds(): readonly string[] {
  const { fleet } = useConsole().live
  return useSyncExternalStore(
    (listener) => fleet.watchFleet(listener),
    () => fleet.ids(),
  )
}

import type { FleetDevice } from '../live/fleet-store.ts'
import type { FleetSearch } from '../shell/searches.ts'

type Lookup = (id: string) => FleetDevice | undefined
type Order = NonNullable<FleetSearch['order']>

const collator = new Intl.Collator('en', { numeric: true })

/** The newest value of a property, or undefined. */
export const newestValue = (
  device: FleetDevice | undefined,
  property: string | undefined,
): number | undefined => (property === undefined ? undefined : device?.sparks.get(property)?.newest()?.value)

/** The ids that a search leaves, in its order. Devices without a value come last in either direction. */
export function arrange(
  ids: readonly string[],
  search: FleetSearch,
  property: string | undefined,
  device: Lookup,
): readonly string[] {
  const words = (search.find ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const wanted = ids.filter((id) => {
    const connected = device(id)?.body.connected
    if (search.presence === 'connected' && !connected) return false
    if (search.presence === 'away' && connected) return false
    const name = id.toLowerCase()
    return words.every((word) => name.includes(word))
  })
  const order = search.order ?? 'id'
  const sign = search.down ? -1 : 1
  if (order === 'id') return wanted.sort((a, b) => sign * collator.compare(a, b))
  const keyed = wanted.map((id) => ({ id, key: keyOf(order, device(id), property) }))
  return keyed
    .sort((a, b) => {
      if (a.key === undefined || b.key === undefined)
        return Number(a.key === undefined) - Number(b.key === undefined)
      return sign * (a.key - b.key) || collator.compare(a.id, b.id)
    })
    .map(({ id }) => id)
}

function keyOf(order: Exclude<Order, 'id'>, device: FleetDevice | undefined, property: string | undefined) {
  if (order === 'value') return newestValue(device, property)
  if (order === 'pending') return device?.body.commandsPending
  const seen = Date.parse(device?.body.lastSeenAt ?? '')
  return Number.isNaN(seen) ? undefined : seen
}

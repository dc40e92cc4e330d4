import type { Devices } from '@millrace/devices'
import {
  bodyOf,
  type Database,
  type QueryRead,
  readOne,
  type StoredDocument,
  systemCollection,
} from '@millrace/documents'
import { type Event, type EventType, formatTime, millraceError } from '@millrace/kernel'
import { type Projection, projection } from '@millrace/projections'
import * as z from 'zod'
import type { DeviceBody } from './api-shapes.ts'
import { DeviceConnected, DeviceDisconnected } from './platform-events.ts'

/** What is remembered of a device that has connected at least once. */
const fleetDevice = z.object({
  id: z.string(),
  connected: z.boolean(),
  protocol: z.enum(['mqtt-3.1.1', 'mqtt-5']).optional(),
  remoteAddress: z.string().optional(),
  connectedAt: z.string().optional(),
  disconnectedAt: z.string().optional(),
  disconnectReason: z.string().optional(),
  lastSeenAt: z.string().optional(),
  last: z.record(z.string(), z.object({ time: z.string(), data: z.unknown() })),
})
type FleetDevice = z.infer<typeof fleetDevice>

/** Documents of the devices themselves; the application's own collections may not have this name. */
export const Fleet = systemCollection('millrace-fleet', fleetDevice)

/** One document a device, from its presence and its newest event of each type. */
export function fleetProjection(eventTypes: Iterable<EventType>): Projection<FleetDevice> {
  let fleet = projection('millrace-fleet', Fleet)
    .on(DeviceConnected, (device, { subject = '', time, data }) => ({
      ...seen(device, subject, time),
      connected: true,
      protocol: data.protocol,
      remoteAddress: data.remoteAddress,
      connectedAt: time,
    }))
    .on(DeviceDisconnected, (device, { subject = '', time, data }) => ({
      ...seen(device, subject, device?.lastSeenAt ?? time),
      connected: false,
      disconnectedAt: time,
      disconnectReason: data.reason,
    }))
  for (const type of eventTypes) fleet = fleet.on(type, remember)
  return fleet
}

/** Events about a device that did not come from it (an actor's alarm, say) do not count as a sign of life. */
function remember(device: FleetDevice | undefined, { type, subject, source, time, data }: Event) {
  if (subject === undefined || (device === undefined && source !== `/devices/${subject}`)) return undefined
  const lastSeenAt = source === `/devices/${subject}` ? time : device?.lastSeenAt
  const known = seen(device, subject, lastSeenAt)
  return { ...known, last: { ...known.last, [type]: { time, data } } }
}

function seen(device: FleetDevice | undefined, id: string, lastSeenAt: string | undefined): FleetDevice {
  return { connected: false, last: {}, ...device, id, ...(lastSeenAt === undefined ? {} : { lastSeenAt }) }
}

/** Answers questions about the fleet: what is remembered, corrected by who is connected right now. */
export interface FleetView {
  device(id: string): Promise<DeviceBody>
  devices(ids: readonly string[]): Promise<readonly DeviceBody[]>
  list(filter: { connected?: boolean | undefined; after?: string | undefined; limit: number }): Promise<{
    devices: DeviceBody[]
    total: number
    next?: string
  }>
  counts(): Promise<{ known: number; connected: number }>
}

/** A view over the fleet's documents and the live sessions. */
export function fleetView(database: Database, devices: Devices): FleetView {
  const toDevice = (stored: StoredDocument) => toBody(bodyOf(stored) as FleetDevice, devices)
  const load = async (ids: readonly string[]) =>
    (await readOne(database, { kind: 'load', collection: Fleet.name, ids })).map(toDevice)
  return {
    devices: load,
    device: async (id) => {
      const [known] = await load([id])
      const body = known ?? (devices.session(id) && toBody(seen(undefined, id, undefined), devices))
      if (body === undefined) throw millraceError('DEVICE_UNKNOWN', { device: id })
      return body
    },
    list: async ({ connected, after, limit }) => {
      const query = listQuery(connected, after, limit)
      const found = (await readOne(database, query)).documents.map(toDevice)
      const { known } = await countsOf(database, devices)
      const last = found.length === limit ? found.at(-1)?.id : undefined
      return { devices: found, total: known, ...(last === undefined ? {} : { next: last }) }
    },
    counts: () => countsOf(database, devices),
  }
}

function listQuery(connected: boolean | undefined, after: string | undefined, limit: number): QueryRead {
  const filters = [
    ...(after === undefined ? [] : [{ kind: 'id', operator: 'gt', value: after } as const]),
    ...(connected === undefined
      ? []
      : [{ kind: 'compare', path: ['connected'], operator: 'eq', value: connected } as const]),
  ]
  return {
    kind: 'query',
    collection: Fleet.name,
    limit,
    ...(filters.length === 0 ? {} : { where: { kind: 'and', filters } }),
  }
}

async function countsOf(database: Database, devices: Devices) {
  const known = await readOne(database, { kind: 'count', collection: Fleet.name })
  return { known, connected: devices.sessions().length }
}

function toBody(device: FleetDevice, devices: Devices): DeviceBody {
  const session = devices.session(device.id)
  const pending = devices.commandsOf(device.id).filter(({ state }) => !FINAL.has(state)).length
  const live = session && {
    protocol: session.protocol,
    remoteAddress: session.remoteAddress,
    connectedAt: formatTime(session.connectedAtMs),
    lastSeenAt: formatTime(session.lastSeenAtMs),
  }
  return { ...device, ...live, connected: session !== undefined, commandsPending: pending }
}

const FINAL: ReadonlySet<string> = new Set(['done', 'failed', 'expired'])

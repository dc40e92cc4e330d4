import { type Message, messageToEvent, type Position, type Subscription, type TopicInfo } from '@millrace/bus'
import { COMMANDS_TOPIC, PRESENCE_TOPIC } from '@millrace/devices'
import { newId } from '@millrace/kernel'
import type { LiveReading, StatusBody } from '../api-shapes.ts'
import type { Backbone } from '../running-app.ts'
import { toCommandBody } from './command-routes.ts'
import type { SseStream } from './sse-stream.ts'

/** How often what has changed is sent, in milliseconds. */
const FLUSH_MS = 250
/** A device's summary is sent at every second flush: at most twice a second. */
const DEVICE_FLUSHES = 2
const STATUS_FLUSHES = 8
/** Readings that are sent in one flush; the oldest beyond that are left out and counted. */
const READINGS_PER_FLUSH_MAX = 500
/** Devices whose summaries are sent in one flush; the others wait for the next. */
const DEVICES_PER_FLUSH_MAX = 200
/** Commands that changed this long before the last flush are sent again, so that none slips between two flushes. */
const COMMAND_OVERLAP_MS = 1_000

/** One stream of what happens, for everybody who watches; it reads the bus only while somebody does. */
export interface LiveFeed {
  add(stream: SseStream, device: string | undefined): void
  close(): Promise<void>
}

interface Watcher {
  readonly stream: SseStream
  readonly device: string | undefined
}

/** What has happened since the last flush. */
interface Changes {
  readings: LiveReading[]
  lost: number
  readonly devices: Set<string>
  readonly commands: Set<string>
}

/** Opens the feed of an application; it does nothing until somebody watches. */
export function openLiveFeed(backbone: Backbone, status: () => Promise<StatusBody>): LiveFeed {
  const watchers = new Set<Watcher>()
  const changes: Changes = { readings: [], lost: 0, devices: new Set(), commands: new Set() }
  let stop: (() => Promise<void>) | undefined

  const send = (name: string, data: unknown, device?: string) => {
    for (const watcher of watchers) {
      if (device === undefined || watcher.device === undefined || watcher.device === device)
        watcher.stream.send(name, data)
    }
  }
  const start = () => {
    const subscription = subscribe(backbone)
    const reading = readInto(changes, subscription)
    const stopFlushing = everyFlush((flush) => flushChanges(backbone, changes, flush, send, status, watchers))
    return async () => {
      stopFlushing()
      await (await subscription).close()
      await reading
    }
  }
  const remove = (watcher: Watcher) => {
    watchers.delete(watcher)
    if (watchers.size > 0) return
    void stop?.()
    stop = undefined
  }
  return {
    add: (stream, device) => {
      const watcher = { stream, device }
      watchers.add(watcher)
      stream.onClose(() => remove(watcher))
      stop ??= start()
      status().then(
        (body) => stream.send('status', body),
        () => stream.close(),
      )
    },
    close: async () => {
      for (const { stream } of watchers) stream.close()
      watchers.clear()
      await stop?.()
      stop = undefined
    },
  }
}

/** A group of its own with explicit positions, so that it commits nothing and leaves nothing behind. */
async function subscribe({ bus, eventTypes, runtime }: Backbone): Promise<Subscription> {
  const own = [...eventTypes.values()].map(({ topic }) => topic)
  const topics = [...new Set([...own, COMMANDS_TOPIC, PRESENCE_TOPIC])]
  const positions = endsOf(await bus.listTopics(), topics)
  return bus.subscribe({ group: `millrace.live.${newId(runtime)}`, topics, positions })
}

/** The ends of these topics now. */
export function endsOf(topics: readonly TopicInfo[], names: readonly string[]): Position[] {
  return topics
    .filter(({ name }) => names.includes(name))
    .flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition, endOffset }) => ({ topic, partition, offset: endOffset })),
    )
}

async function readInto(changes: Changes, opening: Promise<Subscription>): Promise<void> {
  try {
    const subscription = await opening
    for (;;) for (const message of await subscription.next()) note(changes, message)
  } catch {
    // The subscription was closed, or the bus is closing: the feed ends.
  }
}

function note(changes: Changes, message: Message): void {
  const { topic, key } = message
  if (key === undefined) return
  if (topic === COMMANDS_TOPIC) changes.commands.add(key)
  changes.devices.add(key)
  if (topic === COMMANDS_TOPIC || topic === PRESENCE_TOPIC) return
  try {
    const { type, time, data } = messageToEvent(message)
    changes.readings.push({ device: key, type, time, data })
  } catch {
    return // Not an event: processors put it into the dead letters; here is nothing to show.
  }
  if (changes.readings.length <= READINGS_PER_FLUSH_MAX) return
  changes.readings.shift()
  changes.lost += 1
}

/** Calls `flush` again and again, never twice at the same time. */
function everyFlush(flush: (count: number) => Promise<void>): () => void {
  let count = 0
  let stopped = false
  let timer = setTimeout(tick, FLUSH_MS)
  async function tick() {
    count += 1
    await flush(count).catch(() => undefined) // The store is closing; the next flush or the close will tell.
    if (!stopped) timer = setTimeout(tick, FLUSH_MS)
  }
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

async function flushChanges(
  { devices, fleet, runtime }: Backbone,
  changes: Changes,
  flush: number,
  send: (name: string, data: unknown, device?: string) => void,
  status: () => Promise<StatusBody>,
  watchers: ReadonlySet<Watcher>,
): Promise<void> {
  const readings = changes.readings
  changes.readings = []
  for (const reading of readings) send('reading', reading, reading.device)
  if (changes.lost > 0) for (const { stream } of watchers) stream.countLost(changes.lost)
  changes.lost = 0
  const changedSinceMs = runtime.clock.now() - FLUSH_MS - COMMAND_OVERLAP_MS
  for (const device of changes.commands) {
    for (const command of devices.commandsOf(device)) {
      if (command.changedAtMs >= changedSinceMs) send('command', toCommandBody(command), device)
    }
  }
  changes.commands.clear()
  if (flush % DEVICE_FLUSHES === 0) {
    const ids = [...changes.devices].slice(0, DEVICES_PER_FLUSH_MAX)
    for (const id of ids) changes.devices.delete(id)
    for (const device of await fleet.devices(ids)) send('device', device, device.id)
  }
  if (flush % STATUS_FLUSHES === 0) send('status', await status())
}

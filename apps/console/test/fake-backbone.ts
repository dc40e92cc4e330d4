import type {
  CommandBody,
  CommandRequest,
  DeadLetterBody,
  DeviceBody,
  DocumentBody,
  StatusBody,
} from '@millrace/server/api-shapes'
import { seededRandom } from './fake-random.ts'
import { type FakeContent, FakeTopic } from './fake-topic.ts'

/** How a fake backbone is set up. */
export interface FakeSettings {
  readonly devices: number
  /** Seconds of the past that topics and documents know at the start. */
  readonly pastSeconds: number
  readonly seed: number
}

interface Bench {
  body: DeviceBody
  readonly phase: number
  readonly offset: number
}

const READING = 'greenhouse.reading'
const ALARM = 'greenhouse.alarm'
const STARTED = Date.now() - 93 * 60_000
const iso = (timeMs: number) => new Date(timeMs).toISOString()

/** Greenhouse benches that send readings, obey commands, and now and then go away: all of it in memory. */
export class FakeBackbone {
  readonly topics = new Map<string, FakeTopic>()
  readonly letters: DeadLetterBody[] = []
  readonly commands = new Map<string, CommandBody>()
  readonly documents = new Map<string, DocumentBody>()
  readonly #benches = new Map<string, Bench>()
  readonly #listeners = new Set<(name: string, body: unknown, device?: string) => void>()
  readonly #random: () => number
  #handled = 0
  #ids = 0

  constructor(settings: FakeSettings) {
    this.#random = seededRandom(settings.seed)
    for (const [name, partitions] of [
      [READING, 2],
      [ALARM, 1],
      ['millrace.commands', 1],
      ['millrace.presence', 1],
    ] as const) {
      this.topics.set(name, new FakeTopic(name, partitions))
    }
    const now = Date.now()
    for (let index = 1; index <= settings.devices; index += 1) this.#addBench(index, now)
    for (let second = settings.pastSeconds; second > 0; second -= 1) this.#readAll(now - second * 1000)
    if (settings.devices === 0) return
    for (let index = 0; index < 7; index += 1) this.#addLetter(index, now)
    for (const id of [...this.#benches.keys()].slice(0, 3)) this.#addPastCommands(id, now)
  }

  listen(listener: (name: string, body: unknown, device?: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  devices(): readonly DeviceBody[] {
    return [...this.#benches.values()].map((bench) => bench.body)
  }

  device(id: string): DeviceBody | undefined {
    return this.#benches.get(id)?.body
  }

  /** One second: readings, commands a step further, and every now and then a device that goes or comes back. */
  tick(): void {
    const now = Date.now()
    this.#readAll(now)
    for (const command of this.commands.values()) this.#advance(command, now)
    // The first half stays: tests, and people who compare, can rely on it.
    const half = this.#benches.size / 2
    if (this.#random() < 0.1) this.#toggle(Math.floor(half + this.#random() * half), now)
  }

  send(device: string, request: CommandRequest): CommandBody {
    const same = [...this.commands.values()].find(
      (command) =>
        command.device === device &&
        command.idempotencyKey !== undefined &&
        command.idempotencyKey === request.idempotencyKey,
    )
    if (same) return same
    const now = Date.now()
    const command: CommandBody = {
      id: this.#id('cmd'),
      device,
      name: request.name,
      data: request.data ?? {},
      state: 'queued',
      createdAt: iso(now),
      changedAt: iso(now),
      deadlineAt: iso(now + (request.deadlineMs ?? 60_000)),
      ...(request.idempotencyKey === undefined ? {} : { idempotencyKey: request.idempotencyKey }),
    }
    this.#setCommand(command)
    return command
  }

  commandsOf(device: string): readonly CommandBody[] {
    return [...this.commands.values()].filter((command) => command.device === device).reverse()
  }

  publish(topic: FakeTopic, data: unknown, subject?: string, id = this.#id('evt')) {
    const now = Date.now()
    const event = {
      specversion: '1.0',
      id,
      type: topic.name,
      source: '/api',
      time: iso(now),
      ...(subject ? { subject } : {}),
      data,
    }
    return topic.append({ ...(subject ? { key: subject } : {}), headers: headersOf(event), event }, now)
  }

  /** Marks letters as replayed; gives how many. */
  replay(topic: string, offsets?: readonly number[]): number {
    let replayed = 0
    for (const [index, letter] of this.letters.entries()) {
      if (letter.topic !== topic || letter.replayed || (offsets && !offsets.includes(letter.offset))) continue
      this.letters[index] = { ...letter, replayed: true }
      replayed += 1
    }
    return replayed
  }

  status(): StatusBody {
    const devices = this.devices()
    const failed = this.letters.length
    return {
      application: 'greenhouse',
      version: '0.1.0',
      startedAt: iso(STARTED),
      uptimeMs: Date.now() - STARTED,
      memoryBytes: 148 * 1024 * 1024,
      engines: { bus: 'embedded log', store: 'SQLite', durable: true },
      listeners: { mqtt: { host: '127.0.0.1', port: 1883 }, http: { host: '127.0.0.1', port: 8080 } },
      devices: { known: devices.length, connected: devices.filter((device) => device.connected).length },
      counters: { publicationsAccepted: this.#handled },
      processors: [
        {
          name: 'too-hot',
          kind: 'actor',
          state: 'running',
          topics: [READING],
          handled: this.#handled,
          retried: 14,
          deadLettered: failed,
          inFlight: 2,
          lag: Math.floor(this.#random() * 4),
          ...(failed > 0
            ? {
                lastError: {
                  code: 'HANDLER_FAILED',
                  message: 'Expected celsius to be a number, but saw "n/a".',
                  at: iso(Date.now() - 340_000),
                },
              }
            : {}),
        },
        {
          name: 'benches',
          kind: 'projection',
          state: 'running',
          topics: [READING, ALARM],
          handled: this.#handled,
          retried: 0,
          deadLettered: 0,
          inFlight: 0,
          lag: Math.floor(this.#random() * 12),
        },
      ],
      collections: [
        { name: 'benches', documents: this.documents.size },
        { name: 'weekly-reports', documents: 0 },
      ],
    }
  }

  #addBench(index: number, now: number): void {
    const id = `bench-${String(index).padStart(2, '0')}`
    const connected = index % 13 !== 0
    const seen = connected ? now : now - index * 47_000
    const facts = connected
      ? {
          protocol: index % 3 ? ('mqtt-5' as const) : ('mqtt-3.1.1' as const),
          remoteAddress: `127.0.0.1:${40_000 + index}`,
          connectedAt: iso(STARTED + index * 130),
        }
      : { disconnectedAt: iso(seen), disconnectReason: 'keep-alive timeout' }
    const body = { id, connected, ...facts, lastSeenAt: iso(seen), last: {}, commandsPending: 0 }
    this.#benches.set(id, { body, phase: this.#random() * 6, offset: this.#random() * 8 - 4 })
  }

  #readAll(timeMs: number): void {
    for (const [id, bench] of this.#benches) {
      if (!bench.body.connected && timeMs > Date.parse(bench.body.lastSeenAt ?? '')) continue
      const wave = Math.sin(timeMs / 90_000 + bench.phase)
      const data = {
        celsius: round(24 + bench.offset + wave * 7 + (this.#random() - 0.5), 1),
        humidity: round(58 - wave * 14 + bench.offset + this.#random(), 0),
        vent: { percent: round(Math.max(0, wave * 80), 0) },
      }
      this.#emit(id, bench, READING, data, timeMs)
      if (data.celsius > 33.5 && this.#random() < 0.04)
        this.#emit(id, bench, ALARM, { celsius: data.celsius, limit: 33 }, timeMs)
    }
  }

  #emit(id: string, bench: Bench, type: string, data: unknown, timeMs: number): void {
    this.#handled += 1
    const time = iso(timeMs)
    const event = {
      specversion: '1.0',
      id: this.#id('evt'),
      type,
      source: `/devices/${id}`,
      subject: id,
      time,
      data,
    }
    this.topics.get(type)?.append({ key: id, headers: headersOf(event), event }, timeMs + 2)
    bench.body = { ...bench.body, lastSeenAt: time, last: { ...bench.body.last, [type]: { time, data } } }
    const known = this.documents.get(id)
    const alarms = Number(known?.document.alarms ?? 0) + (type === ALARM ? 1 : 0)
    this.documents.set(id, {
      id,
      revision: (known?.revision ?? 0) + 1,
      document: { id, ...(data as object), alarms, updatedAt: time },
    })
    this.#tell('reading', { device: id, type, time, data }, id)
  }

  #advance(command: CommandBody, now: number): void {
    const next = {
      queued: 'sent',
      sent: 'acknowledged',
      acknowledged: command.name.startsWith('fail') ? 'failed' : 'done',
    } as const
    if (!(command.state in next)) return
    const late = Date.parse(command.deadlineAt) < now
    if (!this.#benches.get(command.device)?.body.connected && !late) return
    const state = late ? 'expired' : next[command.state as keyof typeof next]
    const outcome =
      state === 'done' ? { tookMs: 840 } : state === 'failed' ? 'The motor is blocked.' : undefined
    this.#setCommand({
      ...command,
      state,
      changedAt: iso(now),
      ...(outcome === undefined ? {} : { outcome }),
    })
  }

  #setCommand(command: CommandBody): void {
    this.commands.set(command.id, command)
    const type = `millrace.command.${command.state === 'queued' ? 'requested' : command.state}`
    const data = { id: command.id, atMs: Date.parse(command.changedAt) }
    const event = {
      specversion: '1.0',
      id: `${command.id}.${command.state}`,
      type,
      source: '/commands',
      subject: command.device,
      time: command.changedAt,
      data,
    }
    const content = { key: command.device, headers: headersOf(event), event }
    this.topics.get('millrace.commands')?.append(content, Date.parse(command.changedAt))
    this.#tell('command', command, command.device)
    const bench = this.#benches.get(command.device)
    if (!bench) return
    const commandsPending = this.commandsOf(command.device).filter((each) =>
      ['queued', 'sent', 'acknowledged'].includes(each.state),
    ).length
    bench.body = { ...bench.body, commandsPending }
    this.#tell('device', bench.body, command.device)
  }

  #toggle(index: number, now: number): void {
    const bench = [...this.#benches.values()][index]
    if (!bench) return
    const { connectedAt: _, disconnectedAt: __, disconnectReason: ___, ...rest } = bench.body
    bench.body = bench.body.connected
      ? { ...rest, connected: false, disconnectedAt: iso(now), disconnectReason: 'connection reset' }
      : {
          ...rest,
          connected: true,
          connectedAt: iso(now),
          protocol: 'mqtt-5',
          remoteAddress: '127.0.0.1:51002',
        }
    const type = `millrace.device.${bench.body.connected ? 'connected' : 'disconnected'}`
    const event = {
      specversion: '1.0',
      id: this.#id('evt'),
      type,
      source: '/devices',
      subject: bench.body.id,
      time: iso(now),
      data: {},
    }
    this.topics
      .get('millrace.presence')
      ?.append({ key: bench.body.id, headers: headersOf(event), event }, now)
    this.#tell('device', bench.body, bench.body.id)
  }

  #addLetter(index: number, now: number): void {
    const key = `bench-0${index + 1}`
    const data = { celsius: 'n/a', humidity: 50 + index }
    const event = {
      specversion: '1.0',
      id: this.#id('evt'),
      type: READING,
      source: `/devices/${key}`,
      subject: key,
      time: iso(now - 400_000),
      data,
    }
    this.letters.push({
      topic: READING,
      offset: index,
      diedAt: iso(now - (7 - index) * 340_000),
      group: 'too-hot',
      code: index % 3 ? 'HANDLER_FAILED' : 'EVENT_SCHEMA_MISMATCH',
      reason: 'Expected celsius to be a number, but saw "n/a".',
      attempts: 5,
      replayed: index === 0,
      message: { key, headers: headersOf(event), event },
    })
  }

  #addPastCommands(device: string, now: number): void {
    for (const [index, state] of (['expired', 'failed', 'done'] as const).entries()) {
      const at = now - (3 - index) * 600_000
      const command = {
        id: this.#id('cmd'),
        device,
        name: index === 1 ? 'close-vent' : 'open-vent',
        data: { percent: 40 + index * 20 },
        state,
        createdAt: iso(at),
        changedAt: iso(at + 2_300),
        deadlineAt: iso(at + 60_000),
      }
      this.commands.set(
        command.id,
        state === 'failed' ? { ...command, outcome: 'The motor is blocked.' } : command,
      )
    }
  }

  #tell(name: string, body: unknown, device: string): void {
    for (const listener of this.#listeners) listener(name, body, device)
  }

  #id(prefix: string): string {
    this.#ids += 1
    return `${prefix}-${String(this.#ids).padStart(6, '0')}`
  }
}

const round = (value: number, digits: number) => Number(value.toFixed(digits))

function headersOf(event: {
  id: string
  type: string
  source: string
  time: string
}): FakeContent['headers'] {
  const { id, type, source, time } = event
  return {
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-type': type,
    'ce-source': source,
    'ce-time': time,
    'content-type': 'application/json',
  }
}

import type { Random, Runtime } from '@millrace/kernel'
import type { MemoryConnection } from '@millrace/memory'
import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { between, chance } from '../../seed-streams.ts'
import { Reading } from '../application.ts'
import type { History } from '../history.ts'
import type { Oracle, Publication } from '../oracle/oracle.ts'
import type { DevicePlan } from '../swarm.ts'
import { DeviceLink, type LinkTemper } from './device-link.ts'
import { type MqttWire, mqttWire } from './mqtt-wire.ts'
import { Outbox, type OutboxEntry } from './outbox.ts'

/** What a device needs of its world. */
export interface DeviceSurroundings {
  readonly runtime: Runtime
  readonly random: Random
  readonly oracle: Oracle
  readonly history: History
  readonly link: Omit<LinkTemper, 'runtime' | 'random'>
  /** A connection to the server; undefined while nobody listens. */
  connect(device: string): MemoryConnection | undefined
}

/** Answers that say "not now": the device comes back later. Source: MQTT 5, section 2.4. */
const UNAVAILABLE = new Set([0x80, 0x88, 0x89, 0x97])
const REFUSAL_MIN = 0x80
/** No answer for so long means that the line is dead, in milliseconds. */
const PATIENCE_MS = 8_000
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 1_500

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * A device as its maker should build it: it publishes in order, keeps what is not acknowledged over every loss, and
 * carries out a command once, and not after its deadline.
 *
 * away → connecting (CONNECT sent) → open (CONNACK came) → away, after any loss.
 */
export class SimulatedDevice {
  readonly plan: DevicePlan
  readonly #around: DeviceSurroundings
  readonly #outbox = new Outbox()
  readonly #known = new Set<string>()
  #mode: 'away' | 'connecting' | 'open' = 'away'
  #link: DeviceLink | undefined
  #wire: MqttWire | undefined
  #lastHeardMs = 0
  #seq = 0
  #isRetired = false

  constructor(plan: DevicePlan, around: DeviceSurroundings) {
    this.plan = plan
    this.#around = around
  }

  /** Begins to measure and to connect. */
  start(): void {
    this.#comeBackLater()
    this.#measureLater()
    this.#watchLater()
  }

  /** Measures nothing any more; what it has to say it still says. */
  retire(): void {
    this.#isRetired = true
  }

  /** True when it is connected and has nothing left to say. */
  get isDone(): boolean {
    return this.isOpen && this.#outbox.size === 0
  }

  get isOpen(): boolean {
    return this.#mode === 'open'
  }

  /** Publications that are not settled. */
  get waiting(): number {
    return this.#outbox.size
  }

  // What happens to it.

  /** The server's process has died: the line is lost. */
  serverDied(): void {
    this.#link?.lose()
  }

  resetLink(): void {
    this.#link?.reset()
  }

  cutLink(): void {
    this.#link?.cut()
  }

  stall(durationMs: number): void {
    this.#link?.stall(durationMs)
  }

  // Measuring.

  #measureLater(): void {
    const { runtime, random } = this.#around
    runtime.scheduler.after(between(random, 0.5, 1.5) * this.plan.everyMs, () => {
      if (this.#isRetired || this.#seq >= this.plan.readingsMax) return
      const burst = 1 + Math.floor(random.next() * this.plan.burstMax)
      for (let count = 0; count < burst && this.#seq < this.plan.readingsMax; count += 1) this.#measure()
      this.#pump()
      this.#measureLater()
    })
  }

  #measure(): void {
    const { random, oracle } = this.#around
    const { id: device, protocol, qos, poisonShare, repeatShare, hotShare } = this.plan
    this.#seq += 1
    const publication: Publication = {
      id: `${device}-${this.#seq}`,
      device,
      seq: this.#seq,
      kind: chance(random, poisonShare) ? 'poison' : 'reading',
      qos,
      isNamed: protocol === 5,
      celsius: chance(random, hotShare) ? 40 : 20,
      state: 'sent',
    }
    oracle.publish(publication)
    this.#publish(publication)
    if (chance(random, repeatShare)) this.#publish(publication)
  }

  #publish({ id, seq, qos, kind, celsius, isNamed }: Publication): void {
    const { oracle, history, random } = this.#around
    const padding = 'x'.repeat(Math.floor(random.next() * this.plan.paddingBytesMax))
    const data = { id, seq, celsius: kind === 'poison' ? 'hot' : celsius, padding }
    this.#outbox.add({
      topic: `devices/${this.plan.id}/events/${Reading.type}`,
      payload: encoder.encode(JSON.stringify(data)),
      qos,
      eventId: isNamed ? id : undefined,
      settled: (how) => {
        history.note(`${id} ${how}`)
        if (how === 'acknowledged') oracle.acknowledge(id)
        else oracle.refuse(id)
      },
    })
  }

  // Its line.

  #comeBackLater(): void {
    const { runtime, random } = this.#around
    this.#mode = 'away'
    this.#link = undefined
    runtime.scheduler.after(between(random, RETRY_MS_MIN, RETRY_MS_MAX), () => this.#connect())
  }

  #connect(): void {
    const { runtime, random, link, connect } = this.#around
    const connection = connect(this.plan.id)
    if (connection === undefined) {
      this.#comeBackLater()
      return
    }
    const { id, protocol, keepAliveSeconds } = this.plan
    this.#wire = mqttWire(protocol)
    this.#mode = 'connecting'
    this.#lastHeardMs = runtime.clock.monotonic()
    const own: DeviceLink = new DeviceLink(
      connection,
      { ...link, runtime, random },
      {
        data: (bytes) => {
          if (this.#link === own) this.#hear(bytes)
        },
        closed: () => {
          if (this.#link === own) this.#comeBackLater()
        },
      },
    )
    this.#link = own
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: protocol,
      clientId: id,
      clean: false,
      keepalive: keepAliveSeconds,
      ...(protocol === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}),
    })
  }

  /** Pings, and gives a line up that has been silent for too long although an answer is due. */
  #watchLater(): void {
    const { runtime } = this.#around
    const everyMs = Math.min(PATIENCE_MS / 2, this.plan.keepAliveSeconds * 500)
    runtime.scheduler.after(everyMs, () => {
      const silentMs = runtime.clock.monotonic() - this.#lastHeardMs
      if (this.#mode !== 'away' && silentMs > PATIENCE_MS) this.#link?.reset()
      else if (this.#mode === 'open') this.#send({ cmd: 'pingreq' })
      this.#watchLater()
    })
  }

  #send(packet: Packet): void {
    if (this.#wire !== undefined) this.#link?.write(this.#wire.encode(packet))
  }

  #hear(bytes: Uint8Array): void {
    this.#lastHeardMs = this.#around.runtime.clock.monotonic()
    for (const packet of this.#wire?.decode(bytes) ?? []) this.#handle(packet)
  }

  #handle(packet: Packet): void {
    if (this.#mode === 'away') return
    switch (packet.cmd) {
      case 'connack':
        this.#welcome(packet)
        break
      case 'puback':
      case 'pubrec':
        this.#answered(packet.cmd, packet.messageId ?? 0, packet.reasonCode ?? 0)
        break
      case 'pubcomp':
        this.#completed(packet.messageId ?? 0)
        break
      case 'publish':
        this.#commanded(packet)
        break
      default:
    }
  }

  #welcome({ sessionPresent, returnCode, reasonCode }: IConnackPacket): void {
    if ((reasonCode ?? returnCode ?? 0) !== 0) {
      this.#link?.reset()
      return
    }
    this.#mode = 'open'
    this.#around.history.note(`${this.plan.id} connected, session ${sessionPresent ? 'present' : 'new'}`)
    for (const { packetId } of this.#outbox.startOver(sessionPresent)) {
      this.#send({ cmd: 'pubrel', messageId: packetId })
    }
    const filter = `devices/${this.plan.id}/commands/#`
    if (!sessionPresent) {
      this.#send({ cmd: 'subscribe', messageId: 0xffff, subscriptions: [{ topic: filter, qos: 1 }] })
    }
    this.#pump()
  }

  // Saying.

  #pump(): void {
    while (this.#mode === 'open' && this.#outbox.inFlight < this.plan.inFlightMax) {
      const entry = this.#outbox.sendNext()
      if (entry === undefined) return
      this.#send(publishPacket(entry, this.plan.protocol))
      if (entry.qos === 0) this.#outbox.remove(entry)
    }
  }

  #answered(kind: 'puback' | 'pubrec', packetId: number, reasonCode: number): void {
    const entry = this.#outbox.find(packetId)
    if (entry === undefined || entry.stage !== 'sent') return
    // To keep the order it says everything again that is not answered, over a new line.
    if (UNAVAILABLE.has(reasonCode)) {
      this.#link?.reset()
      return
    }
    if (reasonCode >= REFUSAL_MIN) {
      this.#outbox.remove(entry)
      entry.settled('refused')
    } else if (kind === 'pubrec') {
      entry.stage = 'received'
      entry.settled('acknowledged')
      this.#send({ cmd: 'pubrel', messageId: packetId })
    } else {
      this.#outbox.remove(entry)
      entry.settled('acknowledged')
    }
    this.#pump()
  }

  #completed(packetId: number): void {
    const entry = this.#outbox.find(packetId)
    if (entry?.stage === 'received') this.#outbox.remove(entry)
    this.#pump()
  }

  // Obeying.

  #commanded({ payload, qos, messageId = 0 }: IPublishPacket): void {
    const acknowledge = () => {
      if (qos === 1) this.#send({ cmd: 'puback', messageId })
    }
    if (!this.plan.outcomeFirst) acknowledge()
    this.#obey(JSON.parse(decoder.decode(payload as Uint8Array)))
    this.#pump()
    if (this.plan.outcomeFirst) acknowledge()
  }

  #obey(command: {
    readonly id: string
    readonly data: { reading: string }
    readonly deadline: string
  }): void {
    const { oracle, runtime, history } = this.#around
    if (this.#known.has(command.id)) return
    this.#known.add(command.id)
    const atMs = runtime.clock.now()
    const deadlineAtMs = Date.parse(command.deadline)
    const isLate = atMs > deadlineAtMs
    history.note(`${this.plan.id} ${isLate ? 'is too late for' : 'obeys'} ${command.id}`)
    const { id: commandId, data } = command
    if (!isLate) {
      oracle.executions.push({ device: this.plan.id, commandId, reading: data.reading, atMs, deadlineAtMs })
    }
    const outcome = isLate ? { state: 'failed', reason: 'too late' } : { state: 'done', result: 'open' }
    this.#outbox.add({
      topic: `devices/${this.plan.id}/outcomes/${commandId}`,
      payload: encoder.encode(JSON.stringify(outcome)),
      qos: 1,
      eventId: undefined,
      settled: (how) => history.note(`outcome of ${commandId} ${how}`),
    })
  }
}

function publishPacket({ topic, payload, qos, eventId, packetId }: OutboxEntry, protocol: 4 | 5): Packet {
  return {
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos,
    dup: false,
    retain: false,
    ...(qos > 0 ? { messageId: packetId } : {}),
    ...(protocol === 5
      ? {
          properties: {
            contentType: 'application/json',
            ...(eventId === undefined ? {} : { userProperties: { id: eventId } }),
          },
        }
      : {}),
  }
}

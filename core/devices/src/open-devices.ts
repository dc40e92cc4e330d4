import type { Bus } from '@millrace/bus'
import { type CommandDraft, type EventType, millraceError } from '@millrace/kernel'
import type { Command } from './command.ts'
import { CommandDesk } from './commands/command-desk.ts'
import { counterTable } from './device-counters.ts'
import { deviceLimits } from './device-limits.ts'
import type { DeviceCounters, Devices, DevicesOptions, SessionInfo } from './devices.ts'
import { InboundBudget } from './inbound-budget.ts'
import type { Connection, ListeningAddress } from './listener.ts'
import { type ConnectPlan, type ConnectRefusal, REFUSED, type Will } from './mqtt/connect-check.ts'
import { REASON } from './mqtt/reason-code.ts'
import { MqttConnection } from './mqtt-connection.ts'
import { plainMessage } from './plain-message.ts'
import { PresenceLog } from './presence-log.ts'
import { type Publication, PublicationIntake, type PublicationSettle } from './publication-intake.ts'
import { RetainedMessages } from './retained-messages.ts'
import { deliver, pump } from './session-delivery.ts'
import { SessionLog } from './session-log.ts'
import { SessionTable } from './session-table.ts'
import type { Tier } from './tier.ts'
import { TimerWheel } from './timer-wheel.ts'

/** How coarse time limits are, in milliseconds. */
const TICK_MS = 250

/**
 * Opens the device tier: creates its topics, folds the commands that are on the bus, and listens.
 *
 * @throws LISTENER_ADDRESS_IN_USE, TOPIC_CONFLICT, and what the bus throws
 */
export async function openDevices(options: DevicesOptions): Promise<Devices> {
  const tier = await openTier(options)
  const devices = new DeviceTier(options, tier)
  await devices.listen()
  return devices
}

async function openTier(options: DevicesOptions): Promise<Tier> {
  const { bus, runtime, eventTypes, authentication } = options
  const limits = deviceLimits(options.limits)
  const counters = counterTable()
  await createMissing(bus, eventTypes)
  const desk = await CommandDesk.open({ bus, runtime, limits, counters })
  const presence = await PresenceLog.open(bus, runtime, counters)
  const retained = new RetainedMessages(limits.retainedPerDeviceMax)
  const sessionLog = await SessionLog.open({ bus, runtime, retained })
  const wheel = new TimerWheel(TICK_MS, runtime.clock.monotonic())
  const budget = new InboundBudget(limits.inboundBytesMax)
  const intake = new PublicationIntake({
    bus,
    runtime,
    eventTypes,
    counters,
    desk,
    budget,
    own: (device, publication, settle) => takeOwn(tier, device, publication, settle),
  })
  const sessions = new SessionTable({
    wheel,
    counters,
    sessionsMax: limits.sessionsMax,
    publishWill: (device, will) => intake.take(device, willPublication(will), () => {}),
    ended: (session) => sessionLog.end(session),
  })
  const tier: Tier = {
    runtime,
    limits,
    subscriptionsMax: limits.subscriptionsMax,
    counters,
    authentication,
    wheel,
    desk,
    intake,
    budget,
    retained,
    sessions,
    sessionLog,
    presence,
    connections: new Set(),
    judge: (plan, remoteAddress) => judge(authentication, plan, remoteAddress),
  }
  for (const session of sessionLog.restored) sessions.restore(session, runtime.clock.monotonic())
  desk.onReady = (device) => {
    const session = sessions.get(device)
    if (session !== undefined) pump(session, tier)
  }
  return tier
}

/** Topics that are there keep the partitions and the retention that somebody else has given them. */
async function createMissing(bus: Bus, eventTypes: readonly EventType[]): Promise<void> {
  const known = new Set((await bus.listTopics()).map(({ name }) => name))
  const missing = new Set(eventTypes.map(({ topic }) => topic).filter((topic) => !known.has(topic)))
  for (const topic of missing) await bus.createTopic(topic)
}

/** Asks the authenticator; whatever goes wrong there is "unavailable" and nothing more. */
async function judge(
  authentication: DevicesOptions['authentication'],
  { device, user, password }: ConnectPlan,
  remoteAddress: string,
): Promise<ConnectRefusal | undefined> {
  if (authentication === 'anonymous') return undefined
  try {
    if (await authentication.authenticate({ device, user, password, remoteAddress })) return undefined
    const seen = password === undefined ? 'no password' : 'a wrong user name or password'
    const refusal = password === undefined ? REFUSED.notAuthorized : REFUSED.badCredentials
    return { ...refusal, text: millraceError('DEVICE_REFUSED', { device, seen }).seen }
  } catch {
    return REFUSED.unavailable
  }
}

/** Keeps and delivers what means nothing to the backbone: plain MQTT within the device's own name. */
function takeOwn(tier: Tier, device: string, publication: Publication, settle: PublicationSettle): void {
  const { topic, payload, qos, retain, properties } = publication
  const content = { topic, payload, ...(properties === undefined ? {} : { properties }) }
  const message = plainMessage(content, { qos, retain, nowMs: tier.runtime.clock.now() })
  const taken = () => {
    settle({ kind: 'accepted' })
    const session = tier.sessions.get(device)
    if (session !== undefined) deliver(session, message, tier)
  }
  if (!retain) {
    taken()
  } else if (tier.retained.hasRoom(device, message)) {
    tier.sessionLog.retain(device, message, (error) => {
      if (error !== undefined) settle({ kind: 'unavailable' })
      else if (tier.retained.set(device, message)) taken()
      else settle({ kind: 'refused', reason: REASON.quotaExceeded })
    })
  } else {
    settle({ kind: 'refused', reason: REASON.quotaExceeded })
  }
}

function willPublication({ topic, payload, qos = 0, retain = false, properties }: Will): Publication {
  return { topic, payload, qos, retain, ...(properties === undefined ? {} : { properties }) }
}

class DeviceTier implements Devices {
  readonly #options: DevicesOptions
  readonly #tier: Tier
  #address: ListeningAddress = { host: '', port: 0 }
  #isClosing = false
  #closed: Promise<void> | undefined
  #stopTicking = () => {}

  constructor(options: DevicesOptions, tier: Tier) {
    this.#options = options
    this.#tier = tier
  }

  get address(): ListeningAddress {
    return this.#address
  }

  get counters(): DeviceCounters {
    return { ...this.#tier.counters }
  }

  async listen(): Promise<void> {
    this.#address = await this.#options.listener.listen((connection) => this.#accept(connection))
    this.#tickLater()
  }

  sessions(): readonly SessionInfo[] {
    const infos = [...this.#tier.connections].flatMap(({ info }) => (info === undefined ? [] : [info]))
    return infos.sort((left, right) => (left.device < right.device ? -1 : 1))
  }

  session(device: string): SessionInfo | undefined {
    const link = this.#tier.sessions.get(device)?.link
    return link instanceof MqttConnection ? link.info : undefined
  }

  async send(draft: CommandDraft, options: { readonly id?: string } = {}): Promise<Command> {
    return this.#tier.desk.send(draft, options.id)
  }

  command(id: string): Command | undefined {
    return this.#tier.desk.find(id)
  }

  commandsOf(device: string): readonly Command[] {
    return this.#tier.desk.commandsOf(device)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #accept(connection: Connection): void {
    const { connections, limits, counters } = this.#tier
    if (this.#isClosing || connections.size >= limits.connectionsMax) {
      counters.connectionsRefused += 1
      connection.destroy()
      return
    }
    connections.add(new MqttConnection(connection, this.#tier))
  }

  #tickLater(): void {
    this.#stopTicking = this.#tier.runtime.scheduler.after(TICK_MS, () => {
      this.#tick()
      if (!this.#isClosing) this.#tickLater()
    })
  }

  #tick(): void {
    this.#tier.wheel.advance(this.#tier.runtime.clock.monotonic())
    this.#tier.desk.endOverdue()
    void this.#tier.desk.keepHistory()
    void this.#tier.presence.commitIfFar()
    void this.#tier.sessionLog.compactIfWorth(this.#tier.sessions.all())
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    this.#stopTicking()
    await this.#options.listener.close()
    for (const connection of [...this.#tier.connections]) {
      connection.close(REASON.serverShuttingDown, 'the server shuts down')
    }
    await this.#tier.intake.idle()
    await this.#tier.desk.close()
    await this.#tier.presence.close()
    await this.#tier.sessionLog.close()
  }
}

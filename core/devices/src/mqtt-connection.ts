import { errorText, isMillraceError, millraceError, newId } from '@millrace/kernel'
import type { IConnectPacket } from 'mqtt-packet'
import { AcknowledgementQueue } from './acknowledgement-queue.ts'
import type { SessionInfo } from './devices.ts'
import type { BudgetWaiter } from './inbound-budget.ts'
import type { Connection, ConnectionObserver } from './listener.ts'
import {
  type ConnectPlan,
  type ConnectRefusal,
  checkConnect,
  connackProperties,
  isRefusal,
  REFUSED,
  type Will,
} from './mqtt/connect-check.ts'
import { connectVersion, decodeConnect, decodePacket, type ProtocolVersion } from './mqtt/decode-packet.ts'
import {
  type Acknowledgement,
  encodeAcknowledgement,
  encodeConnack,
  encodeDisconnect,
} from './mqtt/encode-packet.ts'
import { encodePublish, type OutgoingPublish } from './mqtt/encode-publish.ts'
import { FrameReader } from './mqtt/frame-reader.ts'
import { REASON, type ReasonCode } from './mqtt/reason-code.ts'
import { OutputBuffer } from './output-buffer.ts'
import { handlePacket } from './packet-rules.ts'
import type { Session, SessionLink } from './session.ts'
import { pump, resend } from './session-delivery.ts'
import type { Tier } from './tier.ts'
import { NOT_WAITING, type WheelItem } from './timer-wheel.ts'

/** A connection that does not take what it was sent for this long is closed, in milliseconds. */
const STALL_MS = 30_000
/** A client that takes smaller packets gets no reason in words [MQTT-3.2.2-19]. */
const REASON_STRING_ROOM_BYTES = 1_024
/** What a device that is not known yet may send: a CONNECT has no reason to be larger. */
const CONNECT_BYTES_MAX = 64 * 1024

/**
 * One MQTT connection.
 *
 * connecting: waits for CONNECT, not longer than `connectTimeoutMs` → authenticating: credentials are judged, nothing
 * more is read → open: packets are obeyed → closed. Any mode can go to closed; nothing happens after it.
 */
export class MqttConnection implements SessionLink, ConnectionObserver, BudgetWaiter {
  readonly tier: Tier
  readonly acknowledgements: AcknowledgementQueue
  readonly #connection: Connection
  readonly #frames: FrameReader
  readonly #output: OutputBuffer
  readonly #connectedAtMs: number
  #mode: 'connecting' | 'authenticating' | 'open' | 'closed' = 'connecting'
  #plan: ConnectPlan | undefined
  #session: Session | undefined
  #will: Will | undefined
  #isPaused = false
  #isProcessing = false
  #lastSeenMs: number
  /** Waits for CONNECT first, for the keep-alive later. */
  readonly #alarm: WheelItem = { dueMs: 0, slot: NOT_WAITING, fire: (nowMs) => this.#alarmed(nowMs) }
  /** Waits while the device does not take what it was sent. */
  readonly #stall: WheelItem = { dueMs: 0, slot: NOT_WAITING, fire: () => this.#slow() }
  epoch = 0

  constructor(connection: Connection, tier: Tier) {
    const { clock } = tier.runtime
    this.tier = tier
    this.#connection = connection
    this.#frames = new FrameReader(Math.min(CONNECT_BYTES_MAX, tier.limits.packetBytesMax))
    this.#output = new OutputBuffer(connection)
    this.#connectedAtMs = clock.now()
    this.#lastSeenMs = clock.monotonic()
    this.acknowledgements = new AcknowledgementQueue(
      (bytes) => this.send(bytes),
      () => this.#settled(),
    )
    tier.wheel.set(this.#alarm, this.#lastSeenMs + tier.limits.connectTimeoutMs)
    connection.observe(this)
  }

  // What a session knows of its connection.

  get version(): ProtocolVersion {
    return this.#plan?.version ?? 4
  }

  get receiveMax(): number {
    return this.#plan?.receiveMax ?? 0
  }

  get packetBytesMax(): number {
    return this.#plan?.packetBytesMax ?? 0
  }

  get hasRoom(): boolean {
    return this.#output.waitingBytes <= this.tier.limits.outboundBytesMax / 2
  }

  get session(): Session | undefined {
    return this.#session
  }

  get info(): SessionInfo | undefined {
    if (this.#mode !== 'open' || this.#plan === undefined) return undefined
    const { clock } = this.tier.runtime
    return {
      device: this.#plan.device,
      protocol: this.#plan.version === 5 ? 'mqtt-5' : 'mqtt-3.1.1',
      remoteAddress: this.#connection.remoteAddress,
      connectedAtMs: this.#connectedAtMs,
      lastSeenAtMs: clock.now() - Math.round(clock.monotonic() - this.#lastSeenMs),
    }
  }

  publish(publish: OutgoingPublish): void {
    this.send(encodePublish(publish, this.version))
  }

  acknowledge(kind: Acknowledgement, packetId: number, reason?: ReasonCode): void {
    this.send(encodeAcknowledgement(kind, packetId, this.version, reason))
  }

  takeOver(): void {
    this.close(REASON.sessionTakenOver, 'taken over by a newer connection')
  }

  /** Sends bytes; a device that lets too many of them lie is closed. */
  send(bytes: Uint8Array): void {
    if (this.#mode === 'closed') return
    this.#output.send(bytes)
    if (this.#output.waitingBytes > this.tier.limits.outboundBytesMax) {
      this.#slow()
      return
    }
    if (!this.hasRoom && this.#stall.slot === NOT_WAITING) {
      this.tier.wheel.set(this.#stall, this.tier.runtime.clock.monotonic() + STALL_MS)
    }
  }

  // What the network tells.

  data(bytes: Uint8Array): void {
    if (this.#mode === 'closed') return
    this.#lastSeenMs = this.tier.runtime.clock.monotonic()
    this.#frames.push(bytes)
    this.#process()
  }

  drained(): void {
    // Only what had to stop for lack of room has anything to go on with.
    if (this.#stall.slot === NOT_WAITING) return
    this.tier.wheel.delete(this.#stall)
    if (this.#session !== undefined && this.#mode === 'open') pump(this.#session, this.tier)
  }

  closed(error?: Error): void {
    this.#finish(error === undefined ? 'connection closed' : `connection lost: ${error.message}`, true)
  }

  /** All connections together had too much on its way to the bus; now there is room again. */
  budgetFreed(): void {
    this.#settled()
  }

  // Ends.

  /** Closes with a reason that an MQTT 5 client is told [MQTT-4.13.1-1]; the will stays in force. */
  close(code: ReasonCode, reason: string): void {
    if (this.#mode === 'closed') return
    if (this.version === 5 && this.#mode === 'open') this.#output.send(encodeDisconnect(code))
    this.#output.flush()
    this.#connection.end()
    // A server that stops is no reason for last words: MQTT 5, section 3.1.2.5 lets it keep them.
    this.#finish(reason, code !== REASON.serverShuttingDown)
  }

  /** The client has said goodbye; its will counts only if it says so [MQTT-3.14.4-3]. */
  leave(withWill: boolean): void {
    this.#output.flush()
    this.#connection.end()
    this.#finish('disconnected', withWill)
  }

  /** Takes note of a session expiry that DISCONNECT changed. Source: MQTT 5, section 3.14.2.2.2. */
  changeSessionExpiry(seconds: number): void {
    if (this.#session !== undefined) this.#session.expirySeconds = seconds
  }

  #slow(): void {
    if (this.#mode === 'closed') return
    this.tier.counters.slowConsumersClosed += 1
    this.#connection.destroy()
    this.#finish('it did not take what it was sent', true)
  }

  #finish(reason: string, withWill: boolean): void {
    if (this.#mode === 'closed') return
    const wasOpen = this.#mode === 'open'
    this.#mode = 'closed'
    const { wheel, presence, runtime } = this.tier
    wheel.delete(this.#alarm)
    wheel.delete(this.#stall)
    this.tier.connections.delete(this)
    this.tier.budget.forget(this)
    if (!wasOpen || this.#session === undefined) return
    presence.disconnected(this.#session.device, { reason, epoch: this.epoch })
    const will = withWill ? this.#will : undefined
    this.tier.sessions.detach(this.#session, this, will, runtime.clock.monotonic())
  }

  // What comes in.

  #process(): void {
    // A publication may be settled, and reading go on, while its packet is still being handled.
    if (this.#isProcessing) return
    this.#isProcessing = true
    try {
      while (this.#mayStep() && this.#step()) {}
    } finally {
      this.#isProcessing = false
    }
  }

  #mayStep(): boolean {
    if (this.#isPaused || (this.#mode !== 'connecting' && this.#mode !== 'open')) return false
    if (this.#mode === 'connecting' || this.tier.budget.hasRoom) return true
    this.#pause()
    this.tier.budget.wait(this)
    return false
  }

  /** Handles the next packet; false if there is none. */
  #step(): boolean {
    const next = this.#frames.next()
    switch (next.kind) {
      case 'incomplete':
        return false
      case 'oversize':
        this.#oversize(next.seenBytes)
        return false
      case 'malformed':
        this.#malformed(next.reason)
        return false
      case 'frame':
        this.#handle(next.bytes)
        return true
      default:
        return next satisfies never
    }
  }

  #handle(frame: Uint8Array): void {
    try {
      if (this.#mode === 'connecting') {
        this.#connect(frame)
        return
      }
      handlePacket(this, decodePacket(frame, this.version))
    } catch (error) {
      // Whatever a packet has set off, it costs this one connection.
      if (isMillraceError(error, 'MQTT_MALFORMED')) this.#malformed(error.seen)
      else this.close(REASON.unspecified, `the server failed: ${errorText(error)}`)
    }
    if (this.acknowledgements.size >= this.tier.limits.inboundInFlightMax) this.#pause()
  }

  #oversize(seen: number): void {
    this.tier.counters.oversizePackets += 1
    const limit = this.tier.limits.packetBytesMax
    this.close(REASON.packetTooLarge, millraceError('MQTT_PACKET_TOO_LARGE', { seen, limit }).seen)
  }

  #malformed(reason: string): void {
    this.tier.counters.malformedPackets += 1
    this.close(REASON.malformedPacket, reason)
  }

  // From connecting to open.

  #connect(frame: Uint8Array): void {
    const version = connectVersion(frame)
    if (version === undefined) {
      // The first packet must be CONNECT [MQTT-3.1.0-1].
      this.tier.counters.connectionsRefused += 1
      this.#malformed('the first packet is not CONNECT')
      return
    }
    if (version !== 4 && version !== 5) {
      this.#refuse(REFUSED.version, version > 5 ? 5 : 4)
      return
    }
    const packet = decodeConnect(frame)
    const { authentication, limits, runtime } = this.tier
    const assignId = authentication === 'anonymous' ? () => newId(runtime) : undefined
    const verdict = checkConnect(packet as IConnectPacket, limits, assignId)
    if (isRefusal(verdict)) {
      this.#refuse(verdict, version)
      return
    }
    this.#plan = verdict
    if (authentication === 'anonymous') {
      this.#open(verdict)
      return
    }
    this.#mode = 'authenticating'
    this.#pause()
    void this.#authenticate(verdict)
  }

  async #authenticate(plan: ConnectPlan): Promise<void> {
    const refusal = await this.tier.judge(plan, this.#connection.remoteAddress)
    if (this.#mode !== 'authenticating') return
    if (refusal !== undefined) return this.#refuse(refusal, plan.version)
    this.#resume()
    this.#open(plan)
    this.#process()
  }

  #refuse(refusal: ConnectRefusal, version: ProtocolVersion): void {
    this.tier.counters.connectionsRefused += 1
    const { returnCode, reason, text } = refusal
    const fits = (this.#plan?.packetBytesMax ?? 0) >= REASON_STRING_ROOM_BYTES
    const properties = text !== undefined && fits ? { reasonString: text } : {}
    this.#output.send(encodeConnack(version, { returnCode, reason, properties }))
    this.#output.flush()
    this.#connection.end()
    this.#finish('refused', false)
  }

  #open(plan: ConnectPlan): void {
    const { sessions, presence, counters, wheel } = this.tier
    const { session, isPresent } = sessions.open(plan.device, plan.isClean)
    counters.connections += 1
    this.#session = session
    this.#mode = 'open'
    this.#frames.packetBytesMax = this.tier.limits.packetBytesMax
    this.#will = plan.will
    session.link = this
    session.expirySeconds = plan.sessionExpirySeconds
    const protocol = plan.version === 5 ? 'mqtt-5' : 'mqtt-3.1.1'
    this.epoch = presence.connected(plan.device, { protocol, remoteAddress: this.#connection.remoteAddress })
    wheel.delete(this.#alarm)
    if (plan.keepAliveSeconds > 0) wheel.set(this.#alarm, this.#lastSeenMs + this.#keepAliveMs(plan))
    const properties = connackProperties(plan, this.tier.limits)
    this.send(encodeConnack(plan.version, { sessionPresent: isPresent, properties }))
    resend(session, this.tier)
    pump(session, this.tier)
  }

  // Time limits and flow.

  /** One and a half times the keep-alive [MQTT-3.1.2-22]. */
  #keepAliveMs({ keepAliveSeconds }: ConnectPlan): number {
    return keepAliveSeconds * 1500
  }

  #alarmed(nowMs: number): void {
    if (this.#mode === 'connecting' || this.#mode === 'authenticating') {
      this.tier.counters.connectionsRefused += 1
      this.#connection.destroy()
      this.#finish('no CONNECT in time', false)
      return
    }
    if (this.#plan === undefined) return
    // While its socket is not read, a device cannot be blamed for its silence.
    if (this.#isPaused) this.#lastSeenMs = nowMs
    const dueMs = this.#lastSeenMs + this.#keepAliveMs(this.#plan)
    if (dueMs > nowMs) {
      this.tier.wheel.set(this.#alarm, dueMs)
      return
    }
    this.tier.counters.keepAliveTimeouts += 1
    this.close(REASON.keepAliveTimeout, 'keep-alive timeout')
  }

  #settled(): void {
    if (!this.#isPaused || this.#mode !== 'open') return
    if (this.acknowledgements.size > this.tier.limits.inboundInFlightMax / 2) return
    if (!this.tier.budget.hasRoom) {
      this.tier.budget.wait(this)
      return
    }
    this.#resume()
    this.#process()
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#connection.pauseReading()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#connection.resumeReading()
  }
}

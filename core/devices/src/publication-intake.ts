import { type Bus, eventToMessage, type NewMessage } from '@millrace/bus'
import {
  type Event,
  type EventType,
  errorText,
  formatTime,
  isMillraceError,
  millraceError,
  newId,
  type Runtime,
} from '@millrace/kernel'
import type { IPublishPacket } from 'mqtt-packet'
import type { CommandDesk } from './commands/command-desk.ts'
import { readOutcome } from './commands/command-outcome.ts'
import { deadLetterRefused, REFUSED_TOPIC } from './dead-publication.ts'
import type { CounterTable } from './device-counters.ts'
import { type DeviceTopic, deviceTopic } from './device-topic.ts'
import { eventOfPublication } from './event-publication.ts'
import type { InboundBudget } from './inbound-budget.ts'
import { REASON, type ReasonCode } from './mqtt/reason-code.ts'
import { isTopicName } from './mqtt/topic-filter.ts'
import { PublishLane } from './publish-lane.ts'

/** What became of a publication. */
export type PublicationVerdict =
  /** Durable, or delivered if it was the device's own matter. */
  | { readonly kind: 'accepted' }
  /** It is not and will not be; it has been counted and, if it was meant as an event, kept as a dead letter. */
  | { readonly kind: 'refused'; readonly reason: ReasonCode }
  /** It is outside the device's own name. */
  | { readonly kind: 'forbidden' }
  /** The bus could not take it; the device is to come back and say it again. */
  | { readonly kind: 'unavailable' }

export type PublicationSettle = (verdict: PublicationVerdict) => void

/** A publication as it came from a connection, or a will. */
export type Publication = Pick<IPublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>

/** Options of a {@link PublicationIntake}. */
export interface PublicationIntakeOptions {
  readonly bus: Bus
  readonly runtime: Runtime
  readonly eventTypes: readonly EventType[]
  readonly counters: CounterTable
  readonly desk: CommandDesk
  readonly budget: InboundBudget
  /** Takes what a device publishes to topics that mean nothing to the backbone. */
  readonly own: (device: string, publication: Publication, settle: PublicationSettle) => void
}

/** Types and topics of the backbone itself. */
const PLATFORM_PREFIX = 'millrace.'
/** What a publication costs beside its payload, roughly. */
const PUBLICATION_OVERHEAD_BYTES = 1_000

const ACCEPTED: PublicationVerdict = { kind: 'accepted' }
const FORBIDDEN: PublicationVerdict = { kind: 'forbidden' }
const UNAVAILABLE: PublicationVerdict = { kind: 'unavailable' }

/**
 * Brings what devices publish onto the bus. A publication is settled exactly once, when its fate is durable; events
 * that do not fit are dead letters before they are refused.
 */
export class PublicationIntake {
  readonly #options: PublicationIntakeOptions
  readonly #types: ReadonlyMap<string, EventType>
  /** One a topic, so that events of several types on one topic keep their order. */
  readonly #lanes: ReadonlyMap<string, PublishLane>

  constructor(options: PublicationIntakeOptions) {
    const { bus, runtime, eventTypes } = options
    this.#options = options
    const lanes = new Map<string, PublishLane>()
    for (const { topic } of eventTypes) lanes.set(topic, new PublishLane({ bus, runtime, topic }))
    this.#lanes = lanes
    this.#types = new Map(eventTypes.filter(isForDevices).map((type) => [type.type, type]))
  }

  /** Takes a publication of `device`; `settle` may be called before this returns. */
  take(device: string, publication: Publication, settle: PublicationSettle): void {
    const counted = this.#counted(publication, settle)
    const meaning = isTopicName(publication.topic) ? deviceTopic(device, publication.topic) : undefined
    if (meaning === undefined) {
      counted(refused(REASON.topicNameInvalid))
      return
    }
    try {
      this.#takeAs(meaning, device, publication, counted)
    } catch (error) {
      // Whatever a payload does to a parser or a schema, it is this one publication that is refused.
      this.#refuse(device, publication, this.#topicOf(meaning), error, REASON.payloadFormatInvalid, counted)
    }
  }

  /** Resolves when everything taken so far is settled. */
  async idle(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()))
  }

  #takeAs(meaning: DeviceTopic, device: string, publication: Publication, settle: PublicationSettle): void {
    switch (meaning.kind) {
      case 'event':
        this.#takeEvent(meaning.type, device, publication, settle)
        break
      case 'outcome':
        this.#takeOutcome(meaning.commandId, device, publication, settle)
        break
      case 'own':
        this.#options.own(device, publication, settle)
        break
      case 'forbidden':
        settle(FORBIDDEN)
        break
      default:
        meaning satisfies never
        break
    }
  }

  #takeEvent(typeName: string, device: string, publication: Publication, settle: PublicationSettle): void {
    const type = this.#types.get(typeName)
    const lane = this.#lanes.get(type?.topic ?? '')
    if (type === undefined || lane === undefined) {
      const error = millraceError('EVENT_TYPE_UNDECLARED', { device, type: typeName.slice(0, 200) })
      this.#refuse(device, publication, REFUSED_TOPIC, error, REASON.topicNameInvalid, settle)
      return
    }
    const { runtime } = this.#options
    const event: Event = eventOfPublication(
      {
        device,
        payload: bytesOf(publication.payload),
        contentType: publication.properties?.contentType,
        userProperties: publication.properties?.userProperties ?? {},
      },
      type,
      { nowMs: runtime.clock.now(), newId: () => newId(runtime) },
    )
    lane.add(eventToMessage(event), (error) => settle(error === undefined ? ACCEPTED : this.#failed(error)))
  }

  #takeOutcome(commandId: string, device: string, publication: Publication, settle: PublicationSettle): void {
    const { desk } = this.#options
    const command = desk.find(commandId)
    if (command === undefined && desk.hasEnded(commandId, device)) {
      settle(ACCEPTED)
      return
    }
    if (command === undefined || command.device !== device || command.state === 'expired') {
      const error =
        command?.device === device
          ? millraceError('COMMAND_EXPIRED', {
              command: commandId,
              device,
              deadline: formatTime(command.deadlineAtMs),
            })
          : millraceError('COMMAND_UNKNOWN', { command: commandId.slice(0, 200) })
      this.#refuse(device, publication, REFUSED_TOPIC, error, REASON.topicNameInvalid, settle)
      return
    }
    const { state, outcome } = readOutcome(bytesOf(publication.payload))
    if (command.state === 'done' || command.state === 'failed') {
      settle(ACCEPTED)
      return
    }
    desk.finish(commandId, state, outcome, (error) =>
      settle(error === undefined ? ACCEPTED : this.#failed(error)),
    )
  }

  /** A message that no bus will ever take must not be sent again and again. */
  #failed(error: unknown): PublicationVerdict {
    return isMillraceError(error, 'MESSAGE_TOO_LARGE') ? refused(REASON.payloadFormatInvalid) : UNAVAILABLE
  }

  #refuse(
    device: string,
    publication: Publication,
    topic: string,
    error: unknown,
    reason: ReasonCode,
    settle: PublicationSettle,
  ): void {
    const { bus, runtime } = this.#options
    const code = isMillraceError(error) ? error.code : 'EVENT_INVALID'
    deadLetterRefused(
      bus,
      topic,
      messageOf(device, publication),
      { code, reason: errorText(error) },
      runtime.clock.now(),
    ).then(
      () => settle(refused(reason)),
      () => settle(UNAVAILABLE),
    )
  }

  /** Whose dead letter a publication becomes. */
  #topicOf(meaning: DeviceTopic): string {
    return (meaning.kind === 'event' ? this.#types.get(meaning.type)?.topic : undefined) ?? REFUSED_TOPIC
  }

  /** Counts a publication, and what it costs in memory for as long as it is on its way. */
  #counted({ payload }: Publication, settle: PublicationSettle): PublicationSettle {
    const { counters, budget } = this.#options
    const bytes = payload.length + PUBLICATION_OVERHEAD_BYTES
    budget.enter(bytes)
    return (verdict) => {
      budget.leave(bytes)
      if (verdict.kind === 'accepted') counters.publicationsAccepted += 1
      else counters.publicationsRefused += 1
      settle(verdict)
    }
  }
}

function refused(reason: ReasonCode): PublicationVerdict {
  return { kind: 'refused', reason }
}

/** What the backbone itself says of commands, connections and sessions, no device may say. */
function isForDevices({ type, topic }: EventType): boolean {
  return !type.startsWith(PLATFORM_PREFIX) && !topic.startsWith(PLATFORM_PREFIX)
}

/** What was published, as it was, for whoever looks at the dead letter. */
function messageOf(device: string, { topic, payload, properties }: Publication): NewMessage {
  const contentType = properties?.contentType
  return {
    key: device,
    headers: { 'mqtt-topic': topic, ...(contentType === undefined ? {} : { 'content-type': contentType }) },
    value: new Uint8Array(bytesOf(payload)),
  }
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
}

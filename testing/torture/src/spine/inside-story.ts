import type { MessageBody, TopicBody } from '@millrace/server'
import type { ServerApi } from './server-api.ts'

/** A reading as it stands in the topic. */
export interface StoredReading {
  readonly offset: number
  readonly device: string
  readonly number: number
  readonly id: string
  readonly acceptedAtMs: number
}

/** An event or a command that the actor made of a reading. */
export interface Derived {
  readonly id: string
  /** The id of the reading. */
  readonly cause: string
}

/** A command, and the states that the topic says it entered. */
export interface StoredCommand extends Derived {
  readonly device: string
  readonly states: readonly string[]
}

/** The document of a device. */
export interface DeviceDocument {
  readonly count: number
  readonly last: number
  readonly sum: number
  readonly alarms: number
}

/** Everything that the server says happened, read to the end over its API. */
export interface InsideStory {
  /** In the order of their offsets. */
  readonly readings: readonly StoredReading[]
  readonly alarms: readonly Derived[]
  readonly commands: readonly StoredCommand[]
  readonly documents: ReadonlyMap<string, DeviceDocument>
  /** Messages of topics that should be empty: `….dead-letters`. */
  readonly deadLetters: readonly string[]
}

/** Reads the whole story. */
export async function readInsideStory(api: ServerApi): Promise<InsideStory> {
  const topics = await api.topics()
  const topic = (name: string) => topics.find((candidate) => candidate.name === name)
  const dead = topics.filter(({ name, messages }) => name.endsWith('.dead-letters') && messages > 0)
  const documents = await api.documents('torture-devices')
  return {
    readings: (await all(api, topic('torture.reading'))).map(readingOf),
    alarms: (await all(api, topic('torture.alarm'))).map(({ event }) => derivedOf(event)),
    commands: commandsOf(await all(api, topic('millrace.commands'))),
    documents: new Map(documents.map(({ id, document }) => [id, document as unknown as DeviceDocument])),
    deadLetters: dead.map(({ name, messages }) => `${messages} in ${name}`),
  }
}

async function all(api: ServerApi, topic: TopicBody | undefined): Promise<readonly MessageBody[]> {
  return topic === undefined ? [] : api.allMessages(topic)
}

function readingOf({ offset, acceptedAt, event = {} }: MessageBody): StoredReading {
  const { number } = event.data as { readonly number: number }
  const device = String(event.subject)
  return { offset, device, number, id: String(event.id), acceptedAtMs: Date.parse(acceptedAt) }
}

function derivedOf(event: MessageBody['event']): Derived {
  return { id: String(event?.id), cause: String(event?.causationid) }
}

/** The fold of the command topic: a request is caused by a reading, a state by its request. */
export function commandsOf(messages: readonly Pick<MessageBody, 'event'>[]): StoredCommand[] {
  const states = new Map<string, string[]>()
  const requests: (Derived & { readonly device: string })[] = []
  for (const { event } of messages) {
    const state = String(event?.type).replace('millrace.command.', '')
    const derived = derivedOf(event)
    if (state === 'requested') requests.push({ ...derived, device: String(event?.subject) })
    else states.set(derived.cause, [...(states.get(derived.cause) ?? []), state])
  }
  return requests.map((request) => ({ ...request, states: states.get(request.id) ?? [] }))
}

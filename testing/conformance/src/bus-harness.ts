import type { Bus, Message, NewMessage, Placement, Subscription } from '@millrace/bus'
import { isMillraceError } from '@millrace/kernel'
import { afterEach, beforeEach, expect } from 'vitest'

/** A bus under test, with empty storage of its own. */
export interface BusHarness {
  readonly bus: Bus
  /** The limit of one message that the bus was opened with. */
  readonly messageBytesMax: number
  nowMs(): number
  /** Lets so much time pass for the bus, and its files or its network go on; by waiting, where time is not ours. */
  advance(durationMs: number): Promise<void>
  /** Closes the bus and opens it on the same storage. Needed where `supports.durable`. */
  reopen?(): Promise<Bus>
  /** Closes the bus and removes its storage. */
  dispose(): Promise<void>
}

/** Opens a bus for each test. */
export type BusFactory = () => Promise<BusHarness>

/** The harness of the running test; opened before and disposed after each. */
export function useBus(factory: BusFactory): () => BusHarness {
  let harness: BusHarness | undefined
  beforeEach(async () => {
    harness = await factory()
  })
  afterEach(async () => {
    await harness?.dispose()
    harness = undefined
  })
  return () => {
    expect(harness, 'a bus is open while a test runs').toBeDefined()
    return harness as BusHarness
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A message whose value is `text`. */
export function textMessage(text: string, rest: Partial<NewMessage> = {}): NewMessage {
  return { headers: {}, value: encoder.encode(text), ...rest }
}

export function textOf(message: Pick<Message, 'value'>): string {
  return decoder.decode(message.value)
}

export function textsOf(messages: readonly Message[]): string[] {
  return messages.map(textOf)
}

/** Publishes one message a text, in one call. */
export function publishTexts(
  bus: Bus,
  topic: string,
  texts: readonly string[],
  rest: Partial<NewMessage> = {},
): Promise<readonly Placement[]> {
  return bus.publish(
    topic,
    texts.map((text) => textMessage(text, rest)),
  )
}

/** The next `count` messages, however many calls of `next` they come in. */
export async function take(subscription: Subscription, count: number): Promise<Message[]> {
  const messages: Message[] = []
  while (messages.length < count)
    messages.push(...(await subscription.next({ countMax: count - messages.length })))
  return messages
}

/** Waits for `promise` while the bus works: what becomes due meanwhile needs the clock to turn again. */
export async function eventually<Result>(
  promise: Promise<Result>,
  advance: BusHarness['advance'],
): Promise<Result> {
  let settled = false
  const watched = promise.finally(() => {
    settled = true
  })
  while (!settled) await advance(0)
  return watched
}

/**
 * Waits until `condition` holds: members in several processes cannot all know at once how a group is divided. Fails with
 * what `condition` says after 10 s.
 */
export async function until(condition: () => boolean, advance: BusHarness['advance']): Promise<void> {
  for (const startMs = performance.now(); !condition(); ) {
    expect(performance.now() - startMs, `${condition}`).toBeLessThan(10_000)
    await advance(0)
  }
}

/** Expects that `next` has nothing to give; aborts it and expects that it says so. */
export async function expectNothing(
  subscription: Subscription,
  advance: BusHarness['advance'],
): Promise<void> {
  const controller = new AbortController()
  const outcome = subscription.next({ signal: controller.signal }).then(textsOf, (error: Error) => error.name)
  await advance(0)
  controller.abort()
  expect(await outcome).toBe('AbortError')
}

/** All messages of one partition, read from its start. */
export async function readAll(bus: Bus, topic: string, partition = 0): Promise<Message[]> {
  const info = (await bus.listTopics()).find(({ name }) => name === topic)?.partitions[partition]
  const messages: Message[] = []
  let offset = info?.startOffset ?? 0
  for (;;) {
    const page = await bus.read({ topic, partition, offset })
    const last = page.at(-1)
    if (last === undefined) return messages
    messages.push(...page)
    offset = last.offset + 1
  }
}

/** The catalogue code that `promise` rejects with; anything else fails the test. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (isMillraceError(error)) return error.code
    throw error
  }
  return 'no error'
}

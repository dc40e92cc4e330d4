import { EXAMPLES_MAX, type Finding } from '../finding.ts'
import { ALARM_EVERY } from './alarm-rule.ts'
import type { DeviceDocument, InsideStory, StoredReading } from './inside-story.ts'
import type { OutsideRecord } from './outside-record.ts'

const FINAL = new Set(['done', 'failed', 'expired'])

/** Compares what the world knows with what the server says; empty if every promise was kept. */
export function findings(record: OutsideRecord, story: InsideStory): Finding[] {
  const checks: Readonly<Record<string, () => readonly string[]>> = {
    'what was acknowledged is in the topic': () => missing(record, story),
    'no reading was refused': () => record.refused,
    'an id is in the topic once': () => repeated(story.readings.map(({ id }) => id)),
    'readings of a device are in order': () => outOfOrder(story.readings),
    'an offset keeps its message': () => moved(record, story),
    'offsets never go back': () => record.shrunk,
    'the actor raises one alarm a cause': () => wronglyCaused(story, story.alarms),
    'the actor sends one command a cause': () => wronglyCaused(story, story.commands),
    'every command comes to an end': () => unfinished(story),
    'a device executes a command once': () => repeated(record.executed.map(({ id }) => id)),
    'every command is executed, and nothing else': () => wronglyExecuted(record, story),
    'documents are the fold of the topic': () => wrongDocuments(story),
    'nothing is a dead letter': () => story.deadLetters,
  }
  return Object.entries(checks).flatMap(([promise, check]) => {
    const all = check()
    return all.length === 0 ? [] : [{ promise, count: all.length, examples: all.slice(0, EXAMPLES_MAX) }]
  })
}

/**
 * Readings that were durable before a kill and acknowledged only after it: their device must have sent them again,
 * and the bus must have recognised them, if they are in the topic once.
 */
export function recognisedRepeats(
  { acknowledged, killsAtMs }: OutsideRecord,
  { readings }: InsideStory,
): number {
  const acceptedAtMs = new Map(readings.map((reading) => [reading.id, reading.acceptedAtMs]))
  return acknowledged.filter(({ id, atMs }) => {
    const acceptedMs = acceptedAtMs.get(id)
    return acceptedMs !== undefined && killsAtMs.some((killMs) => acceptedMs < killMs && killMs < atMs)
  }).length
}

function missing({ acknowledged }: OutsideRecord, { readings }: InsideStory): string[] {
  const present = new Map(readings.map((reading) => [reading.id, reading]))
  return acknowledged
    .filter(({ id, device, number }) => {
      const stored = present.get(id)
      return stored?.device !== device || stored.number !== number
    })
    .map(({ id }) => id)
}

function repeated(ids: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > 1).map(([id, count]) => `${id}: ${count} times`)
}

/** Devices count without gaps, so each first occurrence must be the next number. */
function outOfOrder(readings: readonly StoredReading[]): string[] {
  const next = new Map<string, number>()
  const wrong: string[] = []
  for (const { device, number, offset } of readings) {
    const expected = next.get(device) ?? 0
    if (number < expected) continue
    if (number > expected) wrong.push(`${device}: ${number} at offset ${offset}, expected ${expected}`)
    next.set(device, number + 1)
  }
  return wrong
}

function moved({ sightings }: OutsideRecord, { readings }: InsideStory): string[] {
  const present = new Map(readings.map(({ offset, id }) => [offset, id]))
  return sightings
    .filter(({ offset, id }) => present.get(offset) !== id)
    .map(({ offset, id }) => `offset ${offset} was ${id} and is ${present.get(offset) ?? 'gone'}`)
}

/** Every cause has its output once, and nothing has an output that is no cause. */
function wronglyCaused(
  { readings }: InsideStory,
  outputs: readonly { readonly id: string; readonly cause: string }[],
): string[] {
  const causes = new Set(readings.filter(({ number }) => number % ALARM_EVERY === 0).map(({ id }) => id))
  const seen = new Set(outputs.map(({ cause }) => cause))
  return [
    ...[...causes].filter((cause) => !seen.has(cause)).map((cause) => `${cause}: none`),
    ...[...seen].filter((cause) => !causes.has(cause)).map((cause) => `${cause}: is no cause`),
    ...repeated(outputs.map(({ cause }) => cause)),
  ]
}

function unfinished({ commands }: InsideStory): string[] {
  return commands
    .filter(({ states }) => !states.some((state) => FINAL.has(state)))
    .map(({ id, device, states }) => `${id} to ${device}: ${states.join(', ') || 'requested'}`)
}

function wronglyExecuted({ executed }: OutsideRecord, { commands }: InsideStory): string[] {
  const asked = new Map(commands.map(({ id, device }) => [id, device]))
  const done = new Set(executed.map(({ id }) => id))
  return [
    ...executed
      .filter(({ id, device }) => asked.get(id) !== device)
      .map(({ id }) => `${id}: nobody asked for it`),
    ...commands
      .filter(({ id }) => !done.has(id))
      .map(({ id, device }) => `${id}: ${device} never executed it`),
  ]
}

function wrongDocuments({ readings, alarms, documents }: InsideStory): string[] {
  const expected = new Map<string, DeviceDocument>()
  const deviceOf = new Map(readings.map(({ id, device }) => [id, device]))
  for (const { device, number } of readings) {
    const before = expected.get(device) ?? { count: 0, last: -1, sum: 0, alarms: 0 }
    expected.set(device, { ...before, count: before.count + 1, last: number, sum: before.sum + number })
  }
  for (const { cause } of alarms) {
    const device = deviceOf.get(cause) ?? ''
    const before = expected.get(device)
    if (before !== undefined) expected.set(device, { ...before, alarms: before.alarms + 1 })
  }
  return [...new Set([...expected.keys(), ...documents.keys()])].flatMap((device) => {
    const wanted = textOf(expected.get(device))
    const found = textOf(documents.get(device))
    return wanted === found ? [] : [`${device}: ${found}, expected ${wanted}`]
  })
}

function textOf(document: DeviceDocument | undefined): string {
  if (document === undefined) return 'nothing'
  const { count, last, sum, alarms } = document
  return JSON.stringify({ count, last, sum, alarms })
}

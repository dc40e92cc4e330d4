import type { TopicBody } from '@millrace/server/api-shapes'
import { useEffect, useRef, useState } from 'react'

/** Where all partitions of a topic end, together: grows by one with each message. */
export const endOf = (topic: TopicBody): number =>
  topic.partitions.reduce((sum, { endOffset }) => sum + endOffset, 0)

interface Reading {
  readonly timeMs: number
  readonly ends: ReadonlyMap<string, number>
}

/** Messages per second between the last two lists of topics; empty until there are two. */
export function useTopicRates(topics: readonly TopicBody[]): ReadonlyMap<string, number> {
  const last = useRef<Reading>(undefined)
  const [rates, setRates] = useState<ReadonlyMap<string, number>>(new Map())
  useEffect(() => {
    const now = {
      timeMs: performance.now(),
      ends: new Map(topics.map((topic) => [topic.name, endOf(topic)])),
    }
    const before = last.current
    if (!before) {
      last.current = now
      return
    }
    // The list is drawn more often than it is loaded: only a step of time that means something is measured.
    if (now.timeMs - before.timeMs < 1_000) return
    last.current = now
    setRates(ratesBetween(before, now))
  }, [topics])
  return rates
}

/** A topic that is new, or began anew, has no rate yet. */
export function ratesBetween(before: Reading, now: Reading): ReadonlyMap<string, number> {
  const seconds = (now.timeMs - before.timeMs) / 1000
  const rates = new Map<string, number>()
  for (const [name, end] of now.ends) {
    const earlier = before.ends.get(name)
    if (earlier !== undefined && end >= earlier) rates.set(name, (end - earlier) / seconds)
  }
  return rates
}

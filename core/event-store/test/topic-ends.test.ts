import { describe, expect, test } from 'vitest'
import { TopicEnds } from '../src/topic-ends.ts'

function infoOf(name: string, ...ends: number[]) {
  const partitions = ends.map((endOffset, partition) => ({ partition, startOffset: 0, endOffset, bytes: 0 }))
  return { name, exclusive: false, retention: {}, partitions }
}

describe('what a relay notes about topics', () => {
  test('is the end of each partition, for as long as it is fresh', () => {
    const ends = new TopicEnds()
    expect(ends.missing(['a'])).toEqual(['a'])
    expect(ends.stale(['a'], 0)).toEqual(['a'])
    ends.set(infoOf('a', 3, 5), 1_000)
    expect(ends.missing(['a', 'b'])).toEqual(['b'])
    expect(ends.stale(['a'], 11_000)).toEqual([])
    expect(ends.stale(['a'], 11_001)).toEqual(['a'])
    expect(ends.stale(['a'], -9_001)).toEqual(['a'])
    expect(JSON.parse(JSON.stringify(ends))).toEqual({ a: { ends: [3, 5], notedAtMs: 1_000 } })
    expect(new TopicEnds(ends.toJSON()).get('a')).toEqual({ ends: [3, 5], notedAtMs: 1_000 })
  })

  test('is forgotten beyond a hundred topics, those noted longest ago first, but never those at hand', () => {
    const ends = new TopicEnds()
    const topics = Array.from({ length: 150 }, (_, index) => `t${index}`)
    for (const topic of topics) ends.set(infoOf(topic, 1), 0)
    ends.set(infoOf('t0', 2), 1)
    ends.trim(['t1', 't2'])
    expect(ends.missing(topics)).toHaveLength(50)
    expect(ends.missing(['t0', 't1', 't2', 't149'])).toEqual([])
    ends.trim(topics)
    expect(ends.missing(topics)).toHaveLength(50)
  })
})

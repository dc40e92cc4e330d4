import { describe, expect, test } from 'vitest'
import { FindingBook } from '../src/finding.ts'
import { chainsOf } from '../src/store/fold-chain.ts'
import { StoreRecord } from '../src/store/store-record.ts'
import type { FoundEvent, FoundFold, FoundStream, StoreReport } from '../src/store/store-report.ts'

const STREAM = 'stream-0-0'
const saving = (unit: string): StoreReport => ({ kind: 'saving', unit, stream: STREAM, events: 2 })
const saved = (unit: string): StoreReport => ({ kind: 'saved', unit })
const eventsOf = (units: readonly string[]): FoundEvent[] =>
  units.flatMap(
    (unit) =>
      [
        [unit, 0],
        [unit, 1],
      ] as const,
  )

function foldOf(events: readonly FoundEvent[], count = events.length): FoundFold {
  return { events: count, chain: chainsOf(events)[count] ?? '' }
}

/** What is found if these units are there, and everything is as it should be; or as `change` says. */
function found(units: readonly string[], change: Partial<FoundStream> = {}): StoreReport {
  const events = eventsOf(units)
  const counts = Object.fromEntries(units.map((unit) => [unit, 2]))
  const folds = { inline: foldOf(events), background: foldOf(events) }
  const rest = { documents: counts, rows: counts, counter: events.length, published: events }
  return { kind: 'found', stream: STREAM, events, ...folds, ...rest, ...change }
}

/** What is wrong after these lives. */
function broken(...lives: (readonly StoreReport[])[]): string[] {
  const findings = new FindingBook()
  const record = new StoreRecord(findings)
  lives.forEach((reports, life) => void record.learn(life, reports))
  return findings.all.map(({ promise }) => promise)
}

const work = [saving('a'), saved('a'), saving('b'), saved('b'), saving('c')]

describe('the outside record of a store', () => {
  test('has nothing to say if what was saved is there, and what was under way is there or not', () => {
    expect(broken(work, [found(['a', 'b'])])).toEqual([])
    expect(broken(work, [found(['a', 'b', 'c'])])).toEqual([])
  })

  test('names a saved unit that is gone', () => {
    expect(broken(work, [found(['a'])])).toEqual(['what was saved stays'])
  })

  test('names a unit of which only a part is there', () => {
    const documents = { a: 2, b: 2 }
    expect(broken(work, [found(['a', 'b', 'c'], { documents })])).toContain('a unit is whole or not there')
    const events = eventsOf(['a', 'b', 'c']).slice(0, -1)
    const torn = found(['a', 'b', 'c'], { events, counter: 5, inline: foldOf(events), published: events })
    expect(broken(work, [torn])).toContain('a unit is whole or not there')
  })

  test('names a unit that comes back after it was found to be gone, or was refused', () => {
    expect(broken(work, [found(['a', 'b'])], [found(['a', 'b', 'c'])])).toEqual([
      'what was refused or gone stays away',
    ])
    const refused: StoreReport = { kind: 'refused', unit: 'c' }
    expect(broken([...work, refused], [found(['a', 'b', 'c'])])).toEqual([
      'what was refused or gone stays away',
    ])
  })

  test('names an event that a projection has left out, seen twice, or seen in another order', () => {
    const events = eventsOf(['a', 'b'])
    const swapped = [events[1], events[0], ...events.slice(2)] as FoundEvent[]
    const inline = (fold: FoundFold) => broken(work, [found(['a', 'b'], { inline: fold })])
    expect(inline(foldOf(events, 3))).toEqual(['an inline projection is complete'])
    expect(inline(foldOf(swapped))).toEqual(['an inline projection sees each event once and in order'])
    expect(inline({ ...foldOf(events), events: 5 })).toContain(
      'an inline projection sees each event once and in order',
    )
  })

  test('lets the background and the relay be behind, until they are said to be at the end', () => {
    const events = eventsOf(['a', 'b'])
    const behind = found(['a', 'b'], { background: foldOf(events, 1), published: events.slice(0, 1) })
    expect(broken(work, [behind])).toEqual([])
    expect(broken(work, [{ kind: 'complete' }, behind])).toEqual([
      'a background projection is complete',
      'the relay publishes everything',
    ])
  })

  test('names what the relay has published out of order, and a patch that counted twice', () => {
    const published = eventsOf(['b', 'a'])
    expect(broken(work, [found(['a', 'b'], { published })])).toEqual([
      'the relay publishes in order, and nothing else',
    ])
    const twice = [...eventsOf(['a']), ...eventsOf(['a', 'b'])]
    expect(broken(work, [found(['a', 'b'], { published: twice })])).toContain(
      'the relay publishes in order, and nothing else',
    )
    expect(broken(work, [found(['a', 'b'], { counter: 6 })])).toEqual(['a patch counts once'])
  })

  test('names what nobody wrote', () => {
    expect(broken(work, [found(['a', 'b', 'x'])])).toContain('nothing is there that nobody wrote')
  })
})

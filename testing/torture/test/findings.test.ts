import { describe, expect, test } from 'vitest'
import { findings, recognisedRepeats } from '../src/spine/findings.ts'
import { commandsOf, type InsideStory, type StoredReading } from '../src/spine/inside-story.ts'
import { OutsideRecord } from '../src/spine/outside-record.ts'

/** One device, six readings, and what the actor makes of numbers 0 and 5. */
function goodStory(): InsideStory {
  const readings = [0, 1, 2, 3, 4, 5].map((number) => reading(number, number))
  const commands = ['d-0', 'd-5'].map((cause) => ({
    id: `command-${cause}`,
    cause,
    device: 'd',
    states: ['sent', 'acknowledged', 'done'],
  }))
  return {
    readings,
    alarms: ['d-0', 'd-5'].map((cause) => ({ id: `alarm-${cause}`, cause })),
    commands,
    documents: new Map([['d', { count: 6, last: 5, sum: 15, alarms: 2 }]]),
    deadLetters: [],
  }
}

function reading(number: number, offset: number): StoredReading {
  return { offset, device: 'd', number, id: `d-${number}`, acceptedAtMs: 1_000 + offset }
}

function goodRecord(): OutsideRecord {
  const record = new OutsideRecord()
  for (let number = 0; number < 6; number += 1) {
    record.acknowledged.push({ device: 'd', number, id: `d-${number}`, atMs: 2_000 })
  }
  record.executed.push({ device: 'd', id: 'command-d-0' }, { device: 'd', id: 'command-d-5' })
  record.sightings.push({ offset: 3, id: 'd-3' })
  return record
}

function broken(story: Partial<InsideStory>, record = goodRecord()): string[] {
  return findings(record, { ...goodStory(), ...story }).map(({ promise }) => promise)
}

describe('the findings of a torture', () => {
  test('are empty if every promise was kept', () => {
    expect(findings(goodRecord(), goodStory())).toEqual([])
  })

  test('name an acknowledged reading that is not in the topic', () => {
    const record = goodRecord()
    record.acknowledged.push({ device: 'd', number: 6, id: 'd-6', atMs: 2_000 })
    expect(findings(record, goodStory())).toEqual([
      { promise: 'what was acknowledged is in the topic', count: 1, examples: ['d-6'] },
    ])
  })

  test('name an acknowledged reading that is in the topic with another number', () => {
    const readings = goodStory().readings.map((each) => (each.number === 5 ? { ...each, id: 'd-9' } : each))
    expect(broken({ readings })).toContain('what was acknowledged is in the topic')
  })

  test('name an id that is in the topic twice', () => {
    const readings = [...goodStory().readings, reading(4, 6)]
    expect(broken({ readings })).toContain('an id is in the topic once')
  })

  test('name a device whose readings overtook each other', () => {
    const readings = [0, 1, 3, 2, 4, 5].map((number, offset) => reading(number, offset))
    const record = goodRecord()
    record.sightings.length = 0
    expect(broken({ readings, documents: goodStory().documents }, record)).toEqual([
      'readings of a device are in order',
    ])
  })

  test('name an offset that was used for two messages', () => {
    const record = goodRecord()
    record.sightings.push({ offset: 2, id: 'd-7' })
    expect(broken({}, record)).toEqual(['an offset keeps its message'])
  })

  test('name a partition that became shorter', () => {
    const record = goodRecord()
    const at = (endOffset: number) => [{ name: 'torture.reading', partitions: [{ partition: 0, endOffset }] }]
    record.noteEnds(at(7))
    record.noteEnds(at(6))
    expect(broken({}, record)).toEqual(['offsets never go back'])
  })

  test('name a cause without its alarm, and one with two', () => {
    const [first] = goodStory().alarms
    const alarms = first === undefined ? [] : [first, { ...first, id: 'another' }]
    expect(findings(goodRecord(), { ...goodStory(), alarms })).toEqual([
      { promise: 'the actor raises one alarm a cause', count: 2, examples: ['d-5: none', 'd-0: 2 times'] },
    ])
  })

  test('name a command that never came to an end', () => {
    const commands = goodStory().commands.map((command) => ({ ...command, states: ['sent'] }))
    expect(broken({ commands })).toEqual(['every command comes to an end'])
  })

  test('name a command that was executed twice, and one that was not', () => {
    const record = goodRecord()
    record.executed.splice(0, 2, { device: 'd', id: 'command-d-0' }, { device: 'd', id: 'command-d-0' })
    expect(broken({}, record)).toEqual([
      'a device executes a command once',
      'every command is executed, and nothing else',
    ])
  })

  test('name a document that is not the fold of the topic', () => {
    const documents = new Map([['d', { count: 7, last: 5, sum: 20, alarms: 2 }]])
    expect(broken({ documents })).toEqual(['documents are the fold of the topic'])
  })

  test('name dead letters and refused readings', () => {
    const record = goodRecord()
    record.refused.push('d-7: refused')
    expect(broken({ deadLetters: ['1 in torture.reading.dead-letters'] }, record)).toEqual([
      'no reading was refused',
      'nothing is a dead letter',
    ])
  })
})

test('A reading that was durable before a kill and acknowledged after it is a recognised repeat', () => {
  const record = goodRecord()
  record.killsAtMs.push(1_003)
  expect(recognisedRepeats(record, goodStory())).toBe(3)
})

test('The states of a command are folded from the events that it caused', () => {
  const event = (type: string, id: string, causationid: string) => ({
    event: { type: `millrace.command.${type}`, id, causationid, subject: 'd' },
  })
  const messages = [
    event('requested', 'c', 'd-0'),
    event('sent', 'c.sent', 'c'),
    event('done', 'c.done', 'c'),
  ]
  expect(commandsOf(messages)).toEqual([{ id: 'c', cause: 'd-0', device: 'd', states: ['sent', 'done'] }])
})

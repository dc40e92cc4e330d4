import { expect, test } from 'vitest'
import { deviceTopic, isOwnFilter } from '../src/device-topic.ts'
import { filterMatches, isTopicFilter, isTopicName } from '../src/mqtt/topic-filter.ts'

test.each([
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['#', 'sport', true],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
  ['a/b', 'a/B', false],
])('filter %j and topic %j: %j (examples of MQTT 5, section 4.7)', (filter, topic, expected) => {
  expect(filterMatches(filter, topic)).toBe(expected)
})

test.each(['sport/tennis#', 'sport/tennis/#/ranking', 'sport+', '', 'a\0b'])(
  '%j is no filter [MQTT-4.7.1-1]',
  (filter) => {
    expect(isTopicFilter(filter)).toBe(false)
  },
)

test.each(['a/+', 'a/#', '', 'a\0b', 'x'.repeat(2_000)])('%.20j is no topic name [MQTT-3.3.2-2]', (topic) => {
  expect(isTopicName(topic)).toBe(false)
})

test.each([
  ['devices/a/events/reading', { kind: 'event', type: 'reading' }],
  ['devices/a/outcomes/c-1', { kind: 'outcome', commandId: 'c-1' }],
  ['devices/a/commands/open', { kind: 'forbidden' }],
  ['devices/a/commands', { kind: 'forbidden' }],
  ['devices/a/notes/x', { kind: 'own' }],
  ['devices/a/', { kind: 'forbidden' }],
  ['devices/a', { kind: 'forbidden' }],
  ['devices/ab/notes', { kind: 'forbidden' }],
  ['devices/b/notes', { kind: 'forbidden' }],
  ['/devices/a/notes', { kind: 'forbidden' }],
])('a device "a" that publishes to %s means %j', (topic, meaning) => {
  expect(deviceTopic('a', topic)).toEqual(meaning)
})

test.each([
  ['devices/a/#', true],
  ['devices/a/+/x', true],
  ['devices/+/x', false],
  ['devices/ab/#', false],
  ['#', false],
])('the filter %s is the own one of the device "a": %j', (filter, expected) => {
  expect(isOwnFilter('a', filter)).toBe(expected)
})

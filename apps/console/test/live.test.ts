import type { CommandBody, DeviceBody } from '@millrace/server/api-shapes'
import { describe, expect, test } from 'vitest'
import { commandSteps, stepOf } from '../src/live/command-trail.ts'
import { DeviceSeries } from '../src/live/device-series.ts'
import { DEVICES_MAX, FLUSH_MS, FleetStore, SPARK_SAMPLES_MAX } from '../src/live/fleet-store.ts'
import { MessageLog } from '../src/live/message-log.ts'
import { numericProperties } from '../src/live/numeric-properties.ts'
import { createRateMeter } from '../src/live/rate-meter.ts'

const time = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
const device = (id: string, more: Partial<DeviceBody> = {}): DeviceBody => ({
  id,
  connected: true,
  last: {},
  commandsPending: 0,
  ...more,
})
const reading = (id: string, second: number, data: unknown) => ({
  device: id,
  type: 'r',
  time: time(second),
  data,
})

/** A fleet whose flushes are run by the test. */
function fleet() {
  const due: (() => void)[] = []
  const store = new FleetStore((run, ms) => {
    expect(ms).toBe(FLUSH_MS)
    due.push(run)
  })
  return { store, due, flush: () => due.splice(0).forEach((run) => void run()) }
}

describe('the fleet store', () => {
  test('tells the watcher of one device once a flush, however many readings came, and nobody else', () => {
    const { store, due, flush } = fleet()
    store.load([device('a'), device('b')], true)
    flush()
    const told = { a: 0, b: 0, fleet: 0 }
    store.watchDevice('a', () => {
      told.a += 1
    })
    store.watchDevice('b', () => {
      told.b += 1
    })
    store.watchFleet(() => {
      told.fleet += 1
    })
    store.applyReading(reading('a', 0, { celsius: 1 }))
    flush()
    expect(told).toEqual({ a: 1, b: 0, fleet: 1 })
    const before = store.device('a')
    for (let second = 1; second < 500; second += 1)
      store.applyReading(reading('a', second, { celsius: second }))
    expect(due).toHaveLength(1)
    expect(store.device('a')).toBe(before)
    flush()
    expect(told).toEqual({ a: 2, b: 0, fleet: 1 })
    expect(store.device('a')?.body.last.r?.data).toEqual({ celsius: 499 })
    expect(store.device('a')?.sparks.get('r/celsius')?.length).toBe(SPARK_SAMPLES_MAX)
  })

  test('keeps its list of ids until a device comes, goes, changes presence or pending commands', () => {
    const { store, flush } = fleet()
    store.load([device('a'), device('b')], true)
    flush()
    const ids = store.ids()
    store.applyDevice(device('a', { lastSeenAt: time(1) }))
    flush()
    expect(store.ids()).toBe(ids)
    store.applyDevice(device('a', { connected: false }))
    flush()
    expect(store.ids()).not.toBe(ids)
    store.load([device('b')], true)
    flush()
    expect(store.ids()).toEqual(['b'])
  })

  test('ignores readings of devices that it does not know and refuses more devices than the limit', () => {
    const { store, flush } = fleet()
    store.applyReading(reading('nobody', 1, { x: 1 }))
    store.load(
      Array.from({ length: DEVICES_MAX + 3 }, (_, index) => device(`d${index}`)),
      true,
    )
    flush()
    expect(store.ids()).toHaveLength(DEVICES_MAX)
    expect(store.leftOut).toBe(3)
  })
})

describe('numbers out of events', () => {
  test('are found by path, two levels deep, and nothing but numbers', () => {
    const data = {
      celsius: 1.5,
      ok: true,
      text: '4',
      air: { humidity: 60, deep: { no: 1 } },
      list: [1],
      no: Number.NaN,
    }
    expect(numericProperties(data)).toEqual([
      { path: 'celsius', value: 1.5 },
      { path: 'air.humidity', value: 60 },
    ])
    for (const odd of [null, undefined, 7, 'x', [1, 2]]) expect(numericProperties(odd)).toEqual([])
  })

  test('make a series that is seeded from messages of the device only and goes on live', () => {
    const series = new DeviceSeries()
    series.add(reading('a', 10, { celsius: 10 }))
    const message = (key: string, second: number) => ({
      topic: 'r',
      partition: 0,
      offset: second,
      acceptedAt: time(second),
      key,
      headers: {},
      event: { type: 'r', time: time(second), data: { celsius: second } },
    })
    series.seed('a', [message('a', 2), message('b', 3), message('a', 1), message('a', 10)])
    series.add(reading('a', 11, { celsius: 11 }))
    expect(series.all().map((each) => [each.key, each.ring.columns()[1]])).toEqual([
      ['r celsius', [1, 2, 10, 11]],
    ])
  })

  test('count into a rate a second over the last windows, which a gap does not touch', () => {
    const meter = createRateMeter(10)
    expect(meter.sample(0)).toBeUndefined()
    meter.count(30)
    meter.count(50)
    expect(meter.sample(2_000)).toBe(40)
    expect([4_000, 6_000, 8_000].map((time) => meter.sample(time))).toEqual([20, 80 / 6, 0])
    expect(meter.history.columns()[0]).toEqual([2, 4, 6, 8])
    meter.count(1_000)
    meter.restart()
    expect([meter.sample(20_000), meter.sample(22_000)]).toEqual([undefined, 0])
  })
})

describe('the steps of a command', () => {
  const command = (state: CommandBody['state'], changed: number): CommandBody => ({
    id: 'c',
    device: 'a',
    name: 'open',
    data: {},
    state,
    createdAt: time(0),
    deadlineAt: time(60),
    changedAt: time(changed),
  })
  const told = (state: CommandBody['state'], times = {}) =>
    commandSteps(command(state, 5), times).map(
      (step) => `${step.state}${step.reached ? '' : '?'}${step.at ? ' at' : ''}`,
    )

  test('run from queued to done, with the times that are known', () => {
    expect(told('queued')).toEqual(['queued at', 'sent?', 'acknowledged?', 'done?'])
    expect(told('acknowledged', { sent: time(2) })).toEqual([
      'queued at',
      'sent at',
      'acknowledged at',
      'done?',
    ])
    expect(told('done')).toEqual(['queued at', 'sent', 'acknowledged', 'done at'])
  })

  test('are read from the topic of commands, and from nothing else', () => {
    const event = { type: 'millrace.command.requested', time: time(1), data: { id: 'c', atMs: 1 } }
    expect(stepOf({ event })).toEqual({ id: 'c', times: { queued: time(1) } })
    expect(stepOf({ event: { ...event, type: 'millrace.command.sent' } })?.times).toEqual({ sent: time(1) })
    for (const other of [
      { ...event, type: 'constructor' },
      { ...event, data: null },
      { ...event, time: 5 },
    ]) {
      expect(stepOf({ event: other })).toBeUndefined()
    }
    expect(stepOf({})).toBeUndefined()
  })

  test('end where the command left the line', () => {
    expect(told('failed', { sent: time(1) })).toEqual(['queued at', 'sent at', 'acknowledged', 'failed at'])
    expect(told('expired')).toEqual(['queued at', 'expired at'])
    expect(told('expired', { sent: time(1) })).toEqual(['queued at', 'sent at', 'expired at'])
  })
})

describe('the log of a follower', () => {
  test('shows the newest first, holds still while paused, and stays bounded', () => {
    const log = new MessageLog<number>(3)
    log.add([1, 2])
    expect(log.view()).toEqual({ items: [2, 1], waiting: 0, forgotten: 0 })
    log.pause()
    log.add([3, 4, 5, 6, 7])
    expect(log.view()).toEqual({ items: [2, 1], waiting: 3, forgotten: 2 })
    log.resume()
    expect(log.view()).toEqual({ items: [7, 6, 5], waiting: 0, forgotten: 4 })
    log.clear()
    expect(log.view()).toEqual({ items: [], waiting: 0, forgotten: 0 })
  })
})
